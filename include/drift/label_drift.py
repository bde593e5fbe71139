"""Whether the classes themselves come in other shares, on labels that came back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.special import ndtr

from include.drift.calibration import flagged_by_false_discovery
from include.drift.findings import ALL_ROWS, Finding
from include.evaluation.estimates import effective_rows
from include.store.interval import Interval
from include.store.tables import LoopStore

POOLED = timedelta(days=7)
FEWEST = 30
Row = Mapping[str, Any]


def label_findings(store: LoopStore, interval: Interval, labels: Sequence[Row]) -> list[Finding]:
    """Return a finding for each class: its share of the last seven days' labels against its share before.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window; labels of predictions in the seven days up to its end are pooled, for few come back a day.
    labels
        Labels of the random stratum.

    Returns
    -------
    list of Finding
        Monitor ``label``; empty if either side has fewer than thirty effective rows.

    Notes
    -----
    Weighted shares on the arcsine square-root scale, whose variance is 1 / (4 n) with n Kish's effective rows; a normal test of
    the difference, Benjamini-Hochberg over the classes, and the floor ``drift.min_effect`` on the difference of shares.
    """
    start = interval.end - POOLED
    oldest = start - timedelta(days=store.loop.drift.reference_days)
    now = [row for row in labels if start <= row["ts"] < interval.end]
    past = [row for row in labels if oldest <= row["ts"] < start]
    sizes = [_effective(rows) for rows in (now, past)]
    if min(sizes) < FEWEST:
        return []
    found = [(name, _share(now, name), _share(past, name)) for name in store.loop.task.classes]
    noise = np.sqrt(1 / (4 * sizes[0]) + 1 / (4 * sizes[1]))
    p_values = [2 * float(ndtr(-abs(np.arcsin(np.sqrt(a)) - np.arcsin(np.sqrt(b))) / noise)) for _, a, b in found]
    discoveries = flagged_by_false_discovery(np.array(p_values), store.loop.drift.false_alarm_rate)
    floor = store.loop.drift.min_effect
    return [
        Finding(
            "label", "label", ALL_ROWS, name, abs(a - b), p, bool(discovery) and abs(a - b) >= floor,
            f"Class {name} is {a:.1%} of the labels of the last seven days, {b:.1%} before; p = {p:.2g}.",
            {"share": a, "before": b, "effective_rows": sizes},
        )
        for (name, a, b), p, discovery in zip(found, p_values, discoveries, strict=True)
    ]  # fmt: skip


def _weights(rows: Sequence[Row]) -> Any:
    return 1 / np.array([row["inclusion_probability"] for row in rows], dtype=np.float64)


def _effective(rows: Sequence[Row]) -> float:
    return effective_rows(_weights(rows)) if rows else 0.0


def _share(rows: Sequence[Row], name: str) -> float:
    weights = _weights(rows)
    return float(weights[[row["label"] == name for row in rows]].sum() / weights.sum())
