"""What a verdict asks for: mend the data, label a segment, retrain, or watch."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ALL_ROWS, Finding, Route
from include.foundation.intervals import Interval

DATA_FAULTS = {"missing", "unseen", "not_logged"}
ESTIMATED = "estimated_performance"


@dataclass(frozen=True)
class Routing:
    """Where a verdict leads.

    Attributes
    ----------
    route
        ``fix_data``, ``label_segment``, ``retrain``, ``watch`` or ``none``.
    segments
        Segment values that it is about (``desk=eu``); with ``label_segment``, none means the window as a whole.
    reasons
        Why it leads there; empty for ``none``.
    """

    route: Route
    segments: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def routing_of(columns: Sequence[Finding], monitors: Sequence[Finding]) -> Routing:
    """Return what the findings of a window ask for.

    Parameters
    ----------
    columns
        Findings on columns: data, prediction and confidence.
    monitors
        Findings on labels, performance and estimated performance.

    Notes
    -----
    1. Labels show a drop of accuracy: ``retrain``. 2. Nothing but missing values, unseen categories or columns
    that are not logged any more: ``fix_data``. 3. The
    estimated accuracy of all rows has dropped: ``retrain``. 4. Only segment values are flagged, or the estimate has dropped
    only there: ``label_segment``. 5. Drift of all rows: ``watch`` if the estimated accuracy holds; ``label_segment`` for the
    window if there is no estimate, since only labels can tell. All columns jointly count if nothing else is flagged. The
    caller confirms alarms and acts on them.
    """
    estimated = [finding for finding in monitors if finding.monitor == ESTIMATED]
    dropped = [finding for finding in estimated if finding.flagged]
    drifted = [finding for finding in [*columns, *monitors] if finding.flagged and finding.monitor != ESTIMATED]
    drifted = [finding for finding in drifted if finding.column != ALL_COLUMNS] or drifted
    if any(finding.monitor == "performance" for finding in drifted):
        return Routing("retrain", _segments(drifted), ("Labels show that accuracy has dropped: retrain.",))
    if drifted and all(_is_data_fault(finding) for finding in drifted):
        reason = (
            "Values are missing, not logged any more or never seen before: that is a fault of the data; mend it first."
        )
        return Routing("fix_data", reasons=(reason,))
    if any(finding.segment == ALL_ROWS for finding in dropped):
        return Routing("retrain", _segments(dropped), ("The estimated accuracy has dropped: retrain.",))
    if dropped or (drifted and all(finding.segment for finding in drifted)):
        segments = _segments([*dropped, *drifted])
        reason = f"Only a part differs: labels of {', '.join(segments)} will tell what is lost."
        return Routing("label_segment", segments, (reason,))
    return _without_drop(estimated) if drifted else Routing("none")


def _is_data_fault(finding: Finding) -> bool:
    return finding.statistic == "not_logged" or (finding.monitor == "data" and finding.statistic in DATA_FAULTS)


def is_new_alarm(outcome: str, interval: Interval) -> bool:
    """Tell whether a verdict of a run on an interval is an alarm that no earlier run had reason to raise.

    Every run judges the last whole day again until the next one ends; only the first of them raises the day's alarm.

    Examples
    --------
    >>> day = Interval.parse("2026-11-01", "2026-11-02")
    >>> is_new_alarm("alarm", day), is_new_alarm("drift", day)
    (True, False)
    >>> is_new_alarm("alarm", Interval.parse("2026-11-02T03:00", "2026-11-02T04:00"))
    False
    """
    return outcome == "alarm" and interval.ends_a_day


def wakes_retraining(outcome: str, route: str, interval: Interval) -> bool:
    """Tell whether a verdict is a new alarm that asks for a new model.

    Parameters
    ----------
    outcome, route
        Of the verdict.
    interval
        Of the run that reached it.

    Examples
    --------
    >>> day = Interval.parse("2026-11-01", "2026-11-02")
    >>> wakes_retraining("alarm", "retrain", day), wakes_retraining("alarm", "fix_data", day)
    (True, False)
    """
    return route == "retrain" and is_new_alarm(outcome, interval)


def _without_drop(estimated: Sequence[Finding]) -> Routing:
    if any(finding.segment == ALL_ROWS for finding in estimated):
        reason = "The estimated accuracy holds: nothing is lost that confidence can see; watch."
        return Routing("watch", reasons=(reason,))
    reason = "What is lost is not known, for no probabilities are logged: labels of this window will tell."
    return Routing("label_segment", reasons=(reason,))


def _segments(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(sorted({finding.segment for finding in findings if finding.segment}))
