"""Whether the classes themselves come in other shares, on labels that came back."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from include.foundation.decisions.drift_verdict import ALL_ROWS, LabelShareDetails, MonitorFinding
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import design_weights, effective_rows
from include.foundation.statistics.false_discovery import flagged_by_false_discovery
from include.foundation.statistics.tails import two_sided_t
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import FEWEST_REFERENCE_DAYS
from include.stages.drift.comparing.significance import SHARES

POOLED = timedelta(days=7)
FEWEST = 30
Row = Mapping[str, Any]


def label_findings(store: LoopStore, interval: Interval, labels: Sequence[Row]) -> list[MonitorFinding]:
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
    list of MonitorFinding
        Monitor ``label``; empty if either side has fewer than thirty effective rows, or the labels before are of fewer than
        seven days.

    Notes
    -----
    Weighted shares on the arcsine square-root scale, whose variance is d / (4 n) with n Kish's effective rows and d by how much
    the days before differ more than sampling lets them: Pearson's dispersion of the daily shares, at least 1 (McCullagh &
    Nelder, Generalized Linear Models, 4.5). A t-test of the difference with the degrees of that estimate, Benjamini-Hochberg
    over the classes at their `SHARES` of ``drift.false_alarm_rate``, and the floor ``drift.min_effect`` on the difference of
    shares.
    """
    start = interval.end - POOLED
    oldest = start - timedelta(days=store.loop.drift.reference_days)
    now = [row for row in labels if start <= row["ts"] < interval.end]
    past = [row for row in labels if oldest <= row["ts"] < start]
    sizes = [_effective(rows) for rows in (now, past)]
    days = _by_day(past)
    if min(sizes) < FEWEST or len(days) < FEWEST_REFERENCE_DAYS:
        return []
    found = [(name, _share(now, name), _share(past, name)) for name in store.loop.task.classes]
    noise = np.sqrt([_dispersion(days, name, share) * (1 / sizes[0] + 1 / sizes[1]) / 4 for name, _, share in found])
    change = np.array([np.arcsin(np.sqrt(a)) - np.arcsin(np.sqrt(b)) for _, a, b in found])
    p_values = two_sided_t(np.abs(change) / noise, len(days) - 1)
    discoveries = flagged_by_false_discovery(p_values, SHARES["labels"] * store.loop.drift.false_alarm_rate)
    floor = store.loop.drift.min_effect
    return [
        MonitorFinding(
            monitor="label", column="label", segment=ALL_ROWS, statistic=name, effect=abs(a - b), p_value=float(p),
            flagged=bool(discovery) and abs(a - b) >= floor,
            sentence=f"Class {name} is {a:.1%} of the labels of the last seven days, {b:.1%} before; p = {p:.2g}.",
            details=LabelShareDetails(share=a, before=b, effective_rows=(sizes[0], sizes[1])),
        )
        for (name, a, b), p, discovery in zip(found, p_values, discoveries, strict=True)
    ]  # fmt: skip


def _by_day(rows: Sequence[Row]) -> list[list[Row]]:
    found: dict[date, list[Row]] = {}
    for row in rows:
        found.setdefault(row["ts"].date(), []).append(row)
    return list(found.values())


def _dispersion(days: Sequence[Sequence[Row]], name: str, share: float) -> float:
    """Return how much more the daily shares of a class vary than those of as many rows drawn at random, at least 1."""
    if not 0 < share < 1:
        return 1.0
    squares = sum(_effective(rows) * (_share(rows, name) - share) ** 2 for rows in days)
    return max(1.0, squares / (share * (1 - share) * (len(days) - 1)))


def _weights(rows: Sequence[Row]) -> Any:
    return design_weights([row["inclusion_probability"] for row in rows])


def _effective(rows: Sequence[Row]) -> float:
    return effective_rows(_weights(rows)) if rows else 0.0


def _share(rows: Sequence[Row], name: str) -> float:
    weights = _weights(rows)
    return float(weights[[row["label"] == name for row in rows]].sum() / weights.sum())
