"""Where a verdict goes: mend the data, label a segment, retrain, watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.foundation.decisions.drift_verdict import ALL_ROWS, ColumnFinding, Finding, MonitorFinding, Route
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.stages.drift.monitors.estimated_performance import estimated_findings

DATA_FAULTS = {"missing", "unseen"}


@dataclass(frozen=True)
class Routed:
    """Where a verdict goes, and what the monitors of labels and performance found.

    Attributes
    ----------
    route
        ``fix_data``, ``label_segment``, ``retrain``, ``watch`` or ``none``.
    segments
        Segments to label (``desk=eu``); with ``label_segment`` none means the window as a whole.
    findings
        Of the monitors ``performance``, ``estimated_performance`` and ``label``.
    reasons
        Why it goes there.
    """

    route: Route
    segments: list[str]
    findings: list[MonitorFinding]
    reasons: tuple[str, ...] = ()


def judge(store: LoopStore, interval: Interval, findings: Sequence[ColumnFinding], days: Sequence[str]) -> Routed:
    """Look at labels and confidence, and say what the findings ask for.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window.
    findings
        Of data, prediction and confidence.
    days
        Reference days.

    Notes
    -----
    1. A drop of accuracy shown on labels: ``retrain``. 2. Only missing values or unseen categories: ``fix_data``. 3. A drop of
    the estimated accuracy of all rows: ``retrain``. 4. Something is flagged in segments only, or the estimate drops only
    there: ``label_segment``. 5. Drift of all rows: ``watch`` if the estimated accuracy holds; ``label_segment`` for the window
    if it is not known, since only labels can tell. An alarm is confirmed, and acted on, by the caller.
    """
    labels = _random_labels(store, interval)
    shown = _on_labels(store, interval, labels) if labels else []
    estimated = estimated_findings(store, interval, days, labels)
    route, segments, reason = _route(findings, shown, estimated)
    return Routed(route, segments, [*shown, *estimated], (reason,) if reason else ())


def is_new_alarm(outcome: str, interval: Interval) -> bool:
    """Tell whether a verdict, reached in a run on an interval, is an alarm that no run before had reason to raise.

    A window is judged again by every run until its next day ends; only the first of them raises its alarm.

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

    Examples
    --------
    >>> day = Interval.parse("2026-11-01", "2026-11-02")
    >>> wakes_retraining("alarm", "retrain", day), wakes_retraining("alarm", "fix_data", day)
    (True, False)
    """
    return route == "retrain" and is_new_alarm(outcome, interval)


def _on_labels(store: LoopStore, interval: Interval, labels: list[dict[str, Any]]) -> list[MonitorFinding]:
    from include.stages.drift.monitors.label_drift import (
        label_findings,  # statistics that a window without labels need not load
    )
    from include.stages.drift.monitors.performance import performance_findings

    return performance_findings(store, interval, labels) + label_findings(store, interval, labels)


def _route(
    findings: Sequence[ColumnFinding], shown: Sequence[MonitorFinding], estimated: Sequence[MonitorFinding]
) -> tuple[Route, list[str], str]:
    drifted: list[Finding] = [finding for finding in [*findings, *shown] if finding.flagged]
    dropped = [finding for finding in estimated if finding.flagged]
    if any(finding.monitor == "performance" for finding in drifted):
        return "retrain", _segments(drifted), "Labels show that accuracy has dropped: retrain."
    if drifted and all(finding.monitor == "data" and finding.statistic in DATA_FAULTS for finding in drifted):
        return "fix_data", [], "Values are missing or were never seen: that is a fault of the data; mend it first."
    if any(finding.segment == ALL_ROWS for finding in dropped):
        return "retrain", _segments(dropped), "The estimated accuracy has dropped: retrain."
    if dropped or (drifted and all(finding.segment for finding in drifted)):
        segments = _segments([*dropped, *drifted])
        return (
            "label_segment",
            segments,
            f"Only a part differs: labels of {', '.join(segments)} will tell what is lost.",
        )
    return _without_drop(estimated) if drifted else ("none", [], "")


def _without_drop(estimated: Sequence[Finding]) -> tuple[Route, list[str], str]:
    if any(finding.segment == ALL_ROWS for finding in estimated):
        return "watch", [], "The estimated accuracy holds: nothing is lost that confidence can see; watch."
    return (
        "label_segment",
        [],
        "What is lost is not known, for no probabilities are logged: labels of this window will tell.",
    )


def _segments(findings: Sequence[Finding]) -> list[str]:
    return sorted({finding.segment for finding in findings if finding.segment})


def _random_labels(store: LoopStore, interval: Interval) -> list[dict[str, Any]]:
    """Return the labels of random rows before the window's end that say what was predicted."""
    filters = [("stratum", "=", "random"), ("ts", "<", interval.end)]
    return [row for row in current_labels(store.read("labels", filters=filters)).to_pylist() if row["predicted"]]
