"""The monitor of labels: whether the classes have other shares among the newest labels than on ordinary days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions.drift_verdict import ALL_ROWS, LabelShareDetails, MonitorFinding
from include.foundation.statistics.estimates import effective_rows
from include.foundation.statistics.tails import chance_in_words, two_sided_t
from include.foundation.store.ledgers.taxonomies import classes_added_after
from include.foundation.store.tables import LoopStore
from include.stages.drift.discoveries import discoveries
from include.stages.drift.kinds_of_day import judged_days, kind_of_day
from include.stages.drift.monitors.labeled_rows import FEWEST_LABELS, LabeledRow, weights_of
from include.stages.drift.windows import Window

POOLED_DAYS = 7


def label_findings(store: LoopStore, window: Window, labels: Sequence[LabeledRow]) -> list[MonitorFinding]:
    """Return a finding for each class: its share of the last seven days' labels against its share on ordinary days.

    Parameters
    ----------
    store
        Tables of the loop.
    window
        The window with its reference. Labels of predictions in the seven days up to its end are pooled, as few come back each
        day: of those that are of the window's kind. A reference day among the seven counts for these.
    labels
        Labels of random rows. People give them without seeing what a model says, so days of every version count.

    Returns
    -------
    list of MonitorFinding
        Monitor ``label``, of the classes that the loop already had on the first reference day; empty if either side has fewer
        than thirty effective rows, or the labels of ordinary days are of fewer than seven.

    Notes
    -----
    Weighted shares on the arcsine square-root scale, whose variance is d / (4 n). Here n is Kish's effective number of rows,
    and d is how many times more ordinary days differ than by sampling alone: Pearson's dispersion of the daily shares, at
    least 1 (McCullagh & Nelder, Generalized Linear Models, 4.5). A t-test of the difference with the degrees of that estimate,
    false discoveries controlled over the classes, and the floor ``drift.min_effect`` on the difference of shares.
    """
    current_days, ordinary_days = _days(store.loop.drift, window)
    first = min(ordinary_days, default=date.max)
    too_new = classes_added_after(store, datetime.combine(first, time(), UTC))
    labels = [row for row in labels if row.label not in too_new]
    current, reference = ([row for row in labels if row.ts.date() in days] for days in (current_days, ordinary_days))
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
        sentence=f"Class {name} is {share:.1%} of the labels of the last seven days, {before:.1%} on ordinary days; "
        f"{chance_in_words(p_value)}.",
    )  # fmt: skip


def _days(drift: Drift, window: Window) -> tuple[set[date], set[date]]:
    """Return the last seven days that are of the window's kind, and the reference days before or after them."""
    last = date.fromisoformat(window.interval.days[-1])
    pooled = {last - timedelta(days=number) for number in range(POOLED_DAYS)}
    kind = kind_of_day(drift, judged_days(drift, window.interval.days)[0])
    alike = {day for day in pooled if kind_of_day(drift, day.isoformat()) == kind}
    return alike, {date.fromisoformat(day) for day in window.reference_days} - pooled


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
