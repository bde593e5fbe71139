"""The monitor of performance: whether accuracy on labels has dropped since the live model was deployed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.drift_verdict import ALL_ROWS, MonitorFinding, PerformanceDetails
from include.foundation.intervals import Interval
from include.foundation.statistics.e_detectors import change_evidence, day_numbers, likely_begin, shortfall_days
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_mean
from include.foundation.statistics.prediction_powered import LoggedConfidence
from include.foundation.store.ledgers.deployments import BEGINNING, history
from include.foundation.store.ledgers.served_confidence import served_beside
from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.stages.drift.monitors.labeled_rows import FEWEST_LABELS, LabeledRow
from include.stages.drift.monitors.served_accuracy import served_accuracy


def performance_findings(store: LoopStore, interval: Interval, labels: Sequence[LabeledRow]) -> list[MonitorFinding]:
    """Return whether accuracy has dropped since the model went live, for all rows and for each segment value.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window; rows up to its end count, from when the live version went live. Those of classes that were added since
        do not count: the version could not know them.
    labels
        Labels of random rows.

    Returns
    -------
    list of MonitorFinding
        Monitor ``performance``; empty if no model was deployed or no label came back. ``effect`` is the drop below the
        reference; it is None, and nothing is flagged, if the reference is unknown.

    Notes
    -----
    The reference is the promise's lower end for all rows; for a segment value it is the lower end of the interval of its
    labels before the model went live (at least 30). A promise that few rows made is hardly one: once the first days since it
    went live have ``split.holdout_rows`` labels, the lower end of their interval is the reference, if that is higher, and later
    days are held against it. The evidence is an e-value of *on every day accuracy is at least the reference less*
    ``drift.max_accuracy_drop``, whose bets begin anew every day, so that good days before do not hide a drop: see
    `include.foundation.statistics.e_detectors`. Over a version's life, however long, all rows and m segment values share
    ``drift.false_alarm_rate``: half for all rows, half / m for each segment value. The estimate beside it is prediction-powered
    by the confidence of the version in all that it served; the evidence and the references are of labels alone.
    """
    deployments = [entry for entry in history(store) if entry.live_from <= interval.end] if labels else []
    if not deployments:
        return []
    live = deployments[-1]
    version, promised = live.model_version, live.promised.low if live.promised else None
    unknown_to_it = classes_added_after(store, live.live_from)
    known, labels = labels, [row for row in labels if row.label not in unknown_to_it]
    current = [row for row in labels if live.live_from < row.ts < interval.end and row.model_version == version]
    earlier = [row for row in labels if row.ts <= live.live_from]
    if not current:
        return []
    half = store.loop.drift.false_alarm_rate / 2
    since = live.live_from if live.live_from > BEGINNING else min(row.ts for row in current)
    beside = served_beside(store, current, live.live_from, interval.end)
    if any(row.label in unknown_to_it for row in known):
        beside = replace(beside, counts={})  # what was logged beside them is of all classes
    estimate = accuracy(current, beside.confidence())
    corrected = served_accuracy(store, current, version, live.live_from, interval.end, beside)
    findings = [_corrected(_finding(store.loop, ALL_ROWS, current, estimate, since, promised, 1 / half), corrected)]
    segments = sorted({segment for row in current for segment in row.segments})
    for segment in segments:
        before = accuracy([row for row in earlier if segment in row.segments])
        reference = before.low if before.rows >= FEWEST_LABELS else None
        inside = [segment in row.segments for row in current]
        rows = [row for row, is_inside in zip(current, inside, strict=True) if is_inside]
        estimate = accuracy(rows, beside.at(inside).confidence(segment))
        findings.append(_finding(store.loop, segment, rows, estimate, since, reference, len(segments) / half))
    return findings


def accuracy(rows: Sequence[LabeledRow], beside: LoggedConfidence | None = None) -> Estimate:
    """Return the weighted share of correct predictions, with its interval; unknown without rows.

    Parameters
    ----------
    rows
        Labels of random rows.
    beside
        How confident the version was in them and in all rows beside them.
    """
    if not rows:
        return UNKNOWN
    return weighted_mean(*_scores(rows), groups=[row.group for row in rows], beside=beside)


def _scores(rows: Sequence[LabeledRow]) -> tuple[list[float], list[float]]:
    """Return 1.0 for a correct prediction and 0.0 for a wrong one, and the inclusion probabilities, both (n,)."""
    return [float(row.correct) for row in rows], [row.inclusion_probability for row in rows]


def _finding(
    loop: Loop,
    segment: str,
    rows: Sequence[LabeledRow],
    estimate: Estimate,
    since: datetime,
    known: float | None,
    needed: float,
) -> MonitorFinding:
    drift, numbers = loop.drift, day_numbers([row.ts for row in rows], since)
    reference, settled = _reference(known, rows, numbers, loop.split.holdout_rows)
    where = f" in {segment}" if segment else ""
    if reference is None or estimate.value is None:
        sentence = f"Accuracy on labels{where} is {estimate} since it went live; what it was before is unknown."
        return MonitorFinding(
            monitor="performance", column="accuracy", segment=segment, statistic="unknown", effect=None, p_value=None,
            flagged=False, sentence=sentence,
            details=PerformanceDetails(estimate=estimate, reference=reference, needed=needed),
        )  # fmt: skip
    floor = max(0.0, reference - drift.max_accuracy_drop)
    days = shortfall_days(*_scores(rows), numbers, floor, [row.group for row in rows])
    e_value = change_evidence(day for day in days if day.number > settled).e_value
    flagged, drop = e_value >= needed, max(0.0, reference - estimate.value)
    changed_on = since.astimezone(UTC).date() + timedelta(days=likely_begin(days) - 1) if flagged else None
    of_then = "in its first days" if settled else "before"
    sentence = (
        f"Accuracy on labels{where} {_state(estimate, floor, flagged=flagged)}: {estimate} since it went live, against "
        f"{reference:.3f} {of_then}; e-value {e_value:.3g}, {needed:.3g} would show a drop of more than "
        f"{drift.max_accuracy_drop:.2f}.{f' Likely since {changed_on}.' if changed_on else ''}"
    )
    return MonitorFinding(
        monitor="performance", column="accuracy", segment=segment, statistic="accuracy", effect=drop, p_value=None,
        flagged=flagged, sentence=sentence,
        details=PerformanceDetails(
            estimate=estimate, reference=reference, needed=needed, floor=floor, e_value=e_value, changed_on=changed_on
        ),
    )  # fmt: skip


def _reference(
    known: float | None, rows: Sequence[LabeledRow], numbers: Sequence[int], enough: int
) -> tuple[float | None, int]:
    """Return what accuracy was, and the number of the last day that this rests on; 0 where it was known before."""
    ordered = sorted(numbers)
    if len(ordered) < enough:
        return known, 0
    settled = ordered[enough - 1]
    first = accuracy([row for row, number in zip(rows, numbers, strict=True) if number <= settled]).low
    return (first, settled) if first is not None and (known is None or first > known) else (known, 0)


def _corrected(finding: MonitorFinding, corrected: Estimate) -> MonitorFinding:
    """Say beside accuracy on labels what it is against what is true; the evidence stays that of labels, as the promise is."""
    known = f"Corrected for errors of annotators it is {corrected}."
    words = "How often labels are wrong is unknown." if corrected.value is None else known
    details = finding.details.model_copy(update={"corrected": corrected}) if finding.details else None
    return finding.model_copy(update={"sentence": f"{finding.sentence} {words}", "details": details})


def _state(estimate: Estimate, floor: float, *, flagged: bool) -> str:
    if flagged:
        return "has dropped"
    return "has not been shown to have dropped" if estimate.low and estimate.low < floor else "holds"
