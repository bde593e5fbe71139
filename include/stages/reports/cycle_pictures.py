"""Pictures of the loop over its cycles."""

from collections.abc import Sequence
from typing import Any

from include.foundation.decisions import DriftVerdict
from include.foundation.intervals import Interval
from include.foundation.pages import figures
from include.stages.reports.loop_history import CycleSummary, days_of

DRIFT_COLOURS = {
    "alarm": figures.FLAGGED,
    "drift": figures.UNCONFIRMED,
    "stable": figures.CURRENT,
    "inconclusive": figures.SOFT,
}
MOST_WINDOWS = 60


def draw_cycles(summaries: Sequence[CycleSummary]) -> bytes | None:
    """Return a PNG: accuracy of what was live, cycle by cycle with intervals, and against the labels it had cost.

    Parameters
    ----------
    summaries
        Oldest first; a cycle without labeled random rows is left out.

    Returns
    -------
    bytes or None
        None if no cycle has any.
    """
    known = [cycle for cycle in summaries if cycle.live_score.value is not None]
    if not known:
        return None
    drawn = figures.figure(3.4)
    left, right = drawn.subplots(1, 2, sharey=True)
    numbers, spent = [cycle.number for cycle in known], [cycle.spent_before for cycle in known]
    _scores(left, numbers, known)
    figures.name_places(left, numbers, [f"cycle {cycle.number}\n{cycle.days[:10]}" for cycle in known])
    left.set_ylabel("weighted share right")
    figures.style(left, "Accuracy of what was live, 95 % interval")
    right.plot(spent, [cycle.live_score.value for cycle in known], color=figures.CHAMPION, linewidth=1, alpha=0.4)
    _scores(right, spent, known)
    right.set_xlabel("labels")
    figures.style(right, "The same, by the labels spent before")
    return figures.png(drawn)


def draw_drift(verdicts: Sequence[DriftVerdict], floor: float) -> bytes | None:
    """Return a PNG: the largest effect of each judged interval, coloured by verdict; the last sixty.

    Parameters
    ----------
    verdicts
        Of kind ``drift``, in the order of their intervals.
    floor
        Smallest effect that matters.

    Returns
    -------
    bytes or None
        None if no interval was judged.
    """
    judged = [verdict for verdict in verdicts if verdict.columns][-MOST_WINDOWS:]
    if not judged:
        return None
    drawn = figures.figure(2.6)
    axis = drawn.subplots()
    for place, verdict in enumerate(judged):
        _largest_effect(axis, place, verdict, named=len(judged) <= figures.MOST_TICKS)
    axis.axhline(floor, color=figures.INK, linewidth=0.8, linestyle=(0, (4, 3)))
    figures.note(axis, "floor", (1, floor), points=3, coordinates=("axes fraction", "data"))
    names = [days_of(Interval.from_key(verdict.subject))[:10] for verdict in judged]
    figures.name_places(axis, range(len(judged)), names)
    axis.set_xlim(-0.4, max(len(judged) - 0.2, 0.8))
    axis.set_ylim(0, max(0.3, axis.get_ylim()[1]))
    figures.style(axis, "Largest drift by interval: effect on the column that drifted most")
    return figures.png(drawn)


def _largest_effect(axis: Any, place: float, verdict: DriftVerdict, *, named: bool) -> None:
    largest = max(verdict.columns, key=lambda finding: (finding.flagged, finding.effect))
    colour = DRIFT_COLOURS[verdict.outcome]
    axis.plot([place, place], [0, largest.effect], color=colour, linewidth=3, alpha=0.6)
    axis.plot(place, largest.effect, "o", color=colour)
    if named:
        text = f"{verdict.outcome}: {largest.column}" if largest.flagged else verdict.outcome
        figures.note(axis, text, (place, largest.effect))


def _scores(axis: Any, places: Sequence[float], known: Sequence[CycleSummary]) -> None:
    for place, cycle in zip(places, known, strict=True):
        score = cycle.live_score
        figures.interval(axis, score, place, figures.CHAMPION)
        if score.value is not None and len(known) <= figures.MOST_TICKS:
            figures.note(axis, f"{score.value:.2f}", (place, score.value), points=8)
    axis.margins(x=0.12)
