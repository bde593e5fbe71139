"""Charts of the loop over its cycles, each of the newest that a page shows, and on the same places across."""

from bisect import bisect_right
from collections.abc import Sequence

from include.foundation.decisions import DriftVerdict
from include.foundation.intervals import Interval
from include.foundation.pages import formats
from include.foundation.pages.charts import Bar, Chart, Name, Path, Plane, Tone
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import Deployment
from include.stages.reports.loop_history import CycleSummary, days_of

DRIFT_TONES: dict[str, Tone] = {"alarm": "flagged", "drift": "unconfirmed", "stable": "current", "inconclusive": "soft"}
STRATUM_TONES: tuple[Tone, ...] = ("current", "challenger", "unconfirmed", "flagged", "soft")
MOST_WINDOWS, MOST_MARKED, MOST_CYCLE_NAMES = 60, 12, 5
TALL, LOW = 250.0, 200.0


def accuracy_chart(cycles: Sequence[CycleSummary], deployments: Sequence[Deployment] = ()) -> Chart | None:
    """Return accuracy of what was live, cycle by cycle with intervals, what was promised, and each change of the live version.

    Parameters
    ----------
    cycles
        Oldest first; a cycle without labeled random rows has no dot.
    deployments
        All changes of what is live, in order.

    Returns
    -------
    Chart or None
        None if no cycle has any.
    """
    known = [cycle for cycle in cycles if cycle.live_score.value is not None]
    if not known:
        return None
    first, last = cycles[0].number, cycles[-1].number
    promised = [one.promised.score for one in deployments if one.promised]
    plane = Plane((first - 0.5, last + 0.5), _span([cycle.live_score for cycle in known], promised), height=TALL)
    return Chart(
        name="accuracy",
        title="Accuracy of what was live, cycle by cycle, 95 % interval",
        says=f"{len(known)} of {len(cycles)} cycles are known; the newest is {formats.estimate(known[-1].live_score)}.",
        height=TALL,
        across=_cycle_names(plane, cycles),
        upwards=plane.levels(),
        dots=tuple(
            dot
            for cycle in known
            for dot in plane.interval(cycle.number, cycle.live_score, "champion", f"cycle {cycle.number}, {cycle.days}")
        ),
        paths=_promises(plane, cycles, deployments),
        marked=_changes(plane, cycles, deployments),
        key=(("champion", "of rows drawn at random"), *((("reference", "promised"),) if promised else ())),
    )


def accuracy_by_labels_chart(cycles: Sequence[CycleSummary]) -> Chart | None:
    """Return the same accuracy by the labels that were spent before; None if no cycle has any."""
    known = [cycle for cycle in cycles if cycle.live_score.value is not None]
    if len(known) < 2:
        return None
    spent = [cycle.spent_before for cycle in known]
    plane = Plane((spent[0], spent[-1]), _span([cycle.live_score for cycle in known], []), height=LOW)
    points = [(cycle.spent_before, cycle.live_score.value or 0.0) for cycle in known]
    return Chart(
        name="returns",
        title="The same accuracy, by the labels that were there before",
        says=f"From {spent[0]} labels to {spent[-1]}.",
        height=LOW,
        across=plane.counts(),
        upwards=plane.levels(),
        unit="labels",
        paths=(plane.path(points, "reference"),),
        dots=tuple(
            dot
            for cycle in known
            for dot in plane.interval(
                cycle.spent_before, cycle.live_score, "champion", f"after {cycle.spent_before} labels"
            )
        ),
    )


def labels_chart(cycles: Sequence[CycleSummary]) -> Chart | None:
    """Return what people were asked in each cycle, by stratum, with a table that also says the tiers; None if nothing."""
    strata = sorted({stratum for cycle in cycles for stratum, _, _ in cycle.asked_as})
    if not strata:
        return None
    tones = {stratum: STRATUM_TONES[min(place, len(STRATUM_TONES) - 1)] for place, stratum in enumerate(strata)}
    most = max(cycle.asked for cycle in cycles)
    plane = Plane((cycles[0].number - 0.5, cycles[-1].number + 0.5), (0, most), height=LOW)
    return Chart(
        name="labels",
        title="Labels asked for, by stratum",
        says=f"{sum(cycle.asked for cycle in cycles)} in {len(cycles)} cycles, at most {most} in one.",
        height=LOW,
        across=_cycle_names(plane, cycles),
        upwards=plane.levels(),
        bars=tuple(bar for cycle in cycles for bar in _stack(plane, cycle, tones)),
        key=tuple((tone, stratum) for stratum, tone in tones.items()),
        columns=("Cycle", "Rows of", "Stratum", "Tier", "Asked"),
        rows=tuple(
            (str(cycle.number), cycle.days, stratum, str(tier), str(count))
            for cycle in reversed(cycles)
            for stratum, tier, count in cycle.asked_as
        ),
    )


def drift_chart(verdicts: Sequence[DriftVerdict], least: float) -> Chart | None:
    """Return the largest effect of each judged interval, in the tone of its verdict; the last sixty.

    Parameters
    ----------
    verdicts
        Of kind ``drift``, in the order of their intervals.
    least
        Smallest effect that matters.

    Returns
    -------
    Chart or None
        None if no interval was judged.
    """
    judged = [verdict for verdict in verdicts if verdict.columns][-MOST_WINDOWS:]
    if not judged:
        return None
    largest = [max(verdict.columns, key=lambda finding: (finding.flagged, finding.effect)) for verdict in judged]
    highest = max(0.3, *(finding.effect for finding in largest))
    plane = Plane((-0.5, len(judged) - 0.5), (0, highest), height=LOW)
    days = [days_of(Interval.from_key(verdict.subject)) for verdict in judged]
    outcomes = [outcome for outcome in DRIFT_TONES if any(verdict.outcome == outcome for verdict in judged)]
    told = list(zip(judged, largest, days, strict=True))
    return Chart(
        name="drift",
        title="Largest drift by interval: effect on the column that drifted most",
        says=f"{sum(verdict.flagged for verdict in judged)} of {len(judged)} intervals drifted.",
        height=LOW,
        across=plane.names(range(len(judged)), [day[:10] for day in days]),
        upwards=plane.levels(),
        paths=(plane.level(least),),
        dots=tuple(
            plane.dot(place, one.effect, DRIFT_TONES[verdict.outcome], f"{day}: {verdict.outcome}, {one.column}", low=0)
            for place, (verdict, one, day) in enumerate(told)
        ),
        key=(*((DRIFT_TONES[outcome], outcome) for outcome in outcomes), ("soft", f"below {least:g}: does not matter")),
        columns=("Rows of", "Verdict", "Route", "Column that drifted most", "Effect"),
        rows=tuple(
            (day, verdict.outcome, verdict.route.replace("_", " "), one.column, formats.number(one.effect))
            for verdict, one, day in reversed(told)
        ),
    )


def _span(scores: Sequence[Estimate], promised: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the vertical axis: of all intervals and promises, and a little more."""
    known = [end for score in scores for end in (score.low, score.high) if end is not None]
    low, high = min([*known, *promised]), max([*known, *promised])
    return max(0.0, low - 0.02), min(1.0, high + 0.02)


def _cycle_names(plane: Plane, cycles: Sequence[CycleSummary]) -> tuple[Name, ...]:
    names = [f"{cycle.number} · {cycle.days[:10]}" for cycle in cycles]
    return plane.names([cycle.number for cycle in cycles], names, MOST_CYCLE_NAMES)


def _place(cycles: Sequence[CycleSummary], deployment: Deployment) -> float:
    """Return before which cycle a version went live: the first whose rows it served."""
    ends = [Interval.from_key(cycle.interval).end for cycle in cycles]
    return cycles[0].number - 0.5 + bisect_right(ends, deployment.live_from)


def _changes(plane: Plane, cycles: Sequence[CycleSummary], deployments: Sequence[Deployment]) -> tuple[Name, ...]:
    shown = deployments[-MOST_MARKED:]
    return tuple(
        Name(plane.x(_place(cycles, one)), f"{'back to ' if one.action == 'rollback' else ''}v{one.model_version}")
        for one in shown
        if one.live_from >= Interval.from_key(cycles[0].interval).start or one is deployments[-1]
    )


def _promises(plane: Plane, cycles: Sequence[CycleSummary], deployments: Sequence[Deployment]) -> tuple[Path, ...]:
    """Return a level line for what each version promised, as long as it was live."""
    places = [*(_place(cycles, one) for one in deployments), cycles[-1].number + 0.5]
    return tuple(
        plane.path([(start, one.promised.score), (end, one.promised.score)], "reference")
        for one, start, end in zip(deployments, places, places[1:], strict=False)
        if one.promised is not None and start < end
    )


def _stack(plane: Plane, cycle: CycleSummary, tones: dict[str, Tone]) -> list[Bar]:
    bars: list[Bar] = []
    base = 0
    for stratum, tone in tones.items():
        count = sum(times for one, _, times in cycle.asked_as if one == stratum)
        if count:
            words = f"cycle {cycle.number}: {count} {stratum}"
            bars.append(plane.bar(cycle.number - 0.35, 0.7, base + count, tone, words, base=base))
        base += count
    return bars
