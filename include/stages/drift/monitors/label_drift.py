"""The monitor of labels: whether the classes have other shares among the newest labels than before."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS
from include.foundation.decisions.drift_verdict import ALL_ROWS, LabelShareDetails, MonitorFinding
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import effective_rows
from include.foundation.statistics.tails import chance_in_words, two_sided_t
from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.stages.drift.discoveries import discoveries
from include.stages.drift.monitors.labeled_rows import FEWEST_LABELS, LabeledRow, weights_of

POOLED = timedelta(days=7)


def label_findings(store: LoopStore, interval: Interval, labels: Sequence[LabeledRow]) -> list[MonitorFinding]:
    """Return a finding for each class: its share of the last seven days' labels against its share before.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window; labels of predictions in the seven days up to its end are pooled, as few come back each day.
    labels
        Labels of random rows.

    Returns
    -------
    list of MonitorFinding
        Monitor ``label``, of the classes that the loop already had at the start of the days before; empty if either side has
        fewer than thirty effective rows, or the labels before are of fewer than seven days.

    Notes
    -----
    Weighted shares on the arcsine square-root scale, whose variance is d / (4 n). Here n is Kish's effective number of rows,
    and d is how many times more the days before differ than by sampling alone: Pearson's dispersion of the daily shares, at
    least 1 (McCullagh & Nelder, Generalized Linear Models, 4.5). A t-test of the difference with the degrees of that estimate,
    false discoveries controlled over the classes, and the floor ``drift.min_effect`` on the difference of shares.
    """
    start = interval.end - POOLED
    oldest = start - timedelta(days=store.loop.drift.reference_days)
    too_new = classes_added_after(store, oldest)
    labels = [row for row in labels if row.label not in too_new]
    current = [row for row in labels if start <= row.ts < interval.end]
    reference = [row for row in labels if oldest <= row.ts < start]
    sizes = (_effective_rows(current), _effective_rows(reference))
    days = _by_day(reference)
    if min(sizes) < FEWEST_LABELS or len(days) < FEWEST_REFERENCE_DAYS:
        return []
    classes = [name for name in store.loop.task.classes if name not in too_new]
    shares = [(_share(current, name), _share(reference, name)) for name in classes]
    dispersions = [_dispersion(days, name, before) for name, (_, before) in zip(classes, shares, strict=True)]
    noise = np.sqrt([dispersion * (1 / sizes[0] + 1 / sizes[1]) / 4 for dispersion in dispersions])
    changes = np.array([np.arcsin(np.sqrt(share)) - np.arcsin(np.sqrt(before)) for share, before in shares])
    p_values = two_sided_t(np.abs(changes) / noise, len(days) - 1).tolist()
    flags = discoveries(store.loop.drift, "labels", p_values)
    return [
        _finding(name, LabelShareDetails(share=share, before=before, effective_rows=sizes), p_value,
                 flagged=discovered and abs(share - before) >= store.loop.drift.min_effect)
        for name, (share, before), p_value, discovered in zip(classes, shares, p_values, flags, strict=True)
    ]  # fmt: skip


def _finding(name: str, details: LabelShareDetails, p_value: float, *, flagged: bool) -> MonitorFinding:
    share, before = details.share, details.before
    return MonitorFinding(
        monitor="label", column="label", segment=ALL_ROWS, statistic=name, effect=abs(share - before), p_value=p_value,
        flagged=flagged, details=details,
        sentence=f"Class {name} is {share:.1%} of the labels of the last seven days, {before:.1%} before; "
        f"{chance_in_words(p_value)}.",
    )  # fmt: skip


def _by_day(rows: Sequence[LabeledRow]) -> list[list[LabeledRow]]:
    days: dict[date, list[LabeledRow]] = {}
    for row in rows:
        days.setdefault(row.ts.date(), []).append(row)
    return list(days.values())


def _dispersion(days: Sequence[Sequence[LabeledRow]], name: str, share: float) -> float:
    """Return how many times more the daily shares of a class vary than by sampling alone, at least 1."""
    if not 0 < share < 1:
        return 1.0
    squares = sum(_effective_rows(rows) * (_share(rows, name) - share) ** 2 for rows in days)
    return max(1.0, squares / (share * (1 - share) * (len(days) - 1)))


def _effective_rows(rows: Sequence[LabeledRow]) -> float:
    return effective_rows(weights_of(rows)) if rows else 0.0


def _share(rows: Sequence[LabeledRow], name: str) -> float:
    """Return the weighted share of a class."""
    weights = weights_of(rows)
    return float(weights[[row.label == name for row in rows]].sum() / weights.sum())
