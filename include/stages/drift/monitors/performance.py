"""Whether the live model still is as right as it was, on labels that came back."""

from collections.abc import Mapping, Sequence
from typing import Any

from include.foundation.config.data_sections import Drift
from include.foundation.decisions.drift_verdict import ALL_ROWS, MonitorFinding, PerformanceDetails
from include.foundation.intervals import Interval
from include.foundation.statistics.e_values import shortfall_e_value
from include.foundation.statistics.estimates import UNKNOWN, Estimate, weighted_mean
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore

FEWEST = 30
Row = Mapping[str, Any]


def performance_findings(store: LoopStore, interval: Interval, labels: Sequence[Row]) -> list[MonitorFinding]:
    """Return whether accuracy has dropped since the model went live, for all rows and for each segment value.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window; rows up to its end count, from when the live version went live.
    labels
        Labels of the random stratum, with ``predicted``.

    Returns
    -------
    list of MonitorFinding
        Monitor ``performance``; empty if no model was deployed or no label came back. ``effect`` is the drop below the
        reference; it is None, and nothing flagged, where the reference is unknown.

    Notes
    -----
    The reference is the promise's lower end for all rows, and for a segment the lower end of the interval of its labels
    before the model went live (at least 30). The evidence is an e-value of *accuracy is at least the reference less*
    ``drift.max_accuracy_drop``, rows weighted by 1 / inclusion probability: it may be looked at every day (Waudby-Smith &
    Ramdas, 2024). Over a version's life, all rows and m segments share ``drift.false_alarm_rate``: half for all rows, half / m
    for each segment.
    """
    deployments = [entry for entry in history(store) if entry.live_from <= interval.end]
    if not deployments:
        return []
    live = deployments[-1]
    version, promised = live.model_version, live.promised.low if live.promised else None
    now = [row for row in labels if live.live_from < row["ts"] < interval.end and row["model_version"] == version]
    before = [row for row in labels if row["ts"] <= live.live_from]
    if not now:
        return []
    drift = store.loop.drift
    half = drift.false_alarm_rate / 2
    findings = [_finding(drift, ALL_ROWS, now, promised, 1 / half)]
    parts = _segments(store, now)
    for name, rows in parts.items():
        past = accuracy([row for row in before if _in(row, name)])
        reference = past.low if past.rows >= FEWEST else None
        findings.append(_finding(drift, name, rows, reference, len(parts) / half))
    return findings


def accuracy(rows: Sequence[Row]) -> Estimate:
    """Return the weighted share of rows that were right, with its interval; unknown without rows."""
    if not rows:
        return UNKNOWN
    return weighted_mean(_scores(rows), [row["inclusion_probability"] for row in rows])


def _scores(rows: Sequence[Row]) -> list[float]:
    return [float(row["predicted"] == row["label"]) for row in rows]


def _finding(drift: Drift, segment: str, rows: Sequence[Row], reference: float | None, needed: float) -> MonitorFinding:
    found, where = accuracy(rows), f" in {segment}" if segment else ""
    if reference is None or found.value is None:
        sentence = f"Accuracy on labels{where} is {found}; what it was before is unknown."
        return MonitorFinding(
            monitor="performance", column="accuracy", segment=segment, statistic="unknown", effect=None, p_value=None,
            flagged=False, sentence=sentence,
            details=PerformanceDetails(estimate=found, reference=reference, needed=needed),
        )  # fmt: skip
    floor = max(0.0, reference - drift.max_accuracy_drop)
    e_value = shortfall_e_value(_scores(rows), [row["inclusion_probability"] for row in rows], floor)
    flagged, drop = e_value >= needed, max(0.0, reference - found.value)
    state = (
        "has dropped"
        if flagged
        else "has not been shown to have dropped"
        if found.low and found.low < floor
        else "holds"
    )
    sentence = (
        f"Accuracy on labels{where} {state}: {found} against {reference:.3f} before; e-value {e_value:.3g}, "
        f"{needed:.3g} would show a drop of more than {drift.max_accuracy_drop:.2f}."
    )
    return MonitorFinding(
        monitor="performance", column="accuracy", segment=segment, statistic="accuracy", effect=drop, p_value=None,
        flagged=flagged, sentence=sentence,
        details=PerformanceDetails(estimate=found, reference=reference, needed=needed, floor=floor, e_value=e_value),
    )  # fmt: skip


def _segments(store: LoopStore, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows by segment value, of the segments that drift watches."""
    names = store.loop.segments if store.loop.drift.segments is None else store.loop.drift.segments
    found: dict[str, list[Row]] = {}
    for row in rows:
        for name in names:
            if row[f"segment_{name}"] is not None:
                found.setdefault(f"{name}={row[f'segment_{name}']}", []).append(row)
    return dict(sorted(found.items()))


def _in(row: Row, segment: str) -> bool:
    name, _, value = segment.partition("=")
    return bool(row[f"segment_{name}"] == value)
