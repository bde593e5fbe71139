"""What is compared between days: a few numbers per column, each with the variance that sampling alone gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.drift.profiles import counts_by_category, merged

RARE = 0.01
UNSEEN = "unseen"


@dataclass(frozen=True)
class DayStatistics:
    """Statistics of one column for some days.

    Attributes
    ----------
    names
        Name of each statistic, length k.
    values
        float64, (days, k).
    rows
        Rows behind each day, float64, (days,).
    row_variance
        Variance of one row's contribution, (k,): a day's sampling variance is this divided by its rows.
    """

    names: list[str]
    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    row_variance: NDArray[np.float64]


def day_statistics(reference: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]) -> DayStatistics:
    """Return the statistics of days, as the reference defines them.

    Parameters
    ----------
    reference
        Profiles of one column on the reference days: they set the ranks and the categories.
    days
        Profiles to describe, of the same column.

    Notes
    -----
    Numbers: mean rank and mean distance from the middle rank under the pooled reference, which see a shift and a change
    of spread whatever the shape. Categories: their shares, on the arcsine square-root scale, whose variance does not depend
    on the share (Anscombe 1948). Both: the share of missing values, on the same scale.
    """
    if reference[0]["kind"] == "numeric":
        names, values, variance = _ranks(reference, days)
    else:
        names, values, variance = _shares(reference, days)
    rows = np.array([max(day["rows"], 1) for day in days], dtype=np.float64)
    missing = _arcsine(np.array([day["nulls"] for day in days]) / rows)
    return DayStatistics(
        [*names, "missing"], np.column_stack([values, missing]), rows, np.append(variance, 0.25).astype(np.float64)
    )


def total_variation(reference: Mapping[str, Any], window: Mapping[str, Any]) -> tuple[float, float]:
    """Return the total variation distance between two merged profiles, and what sampling alone would give on average.

    Missing values count as a category of their own. Both are 0 to 1; a window without rows gives (0, 0).

    Notes
    -----
    Sampling alone: sum of the bins' mean absolute deviations of a normal with the multinomial's variance, halved.
    """
    p, q = _aligned(reference, window)
    rows_p, rows_q = p.sum(), q.sum()
    if rows_p == 0 or rows_q == 0:
        return 0.0, 0.0
    p, q = p / rows_p, q / rows_q
    noise = np.sqrt(2 / np.pi * p * (1 - p) * (1 / rows_p + 1 / rows_q)).sum() / 2
    return float(np.abs(p - q).sum() / 2), float(noise)


def _ranks(
    reference: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    pooled = np.asarray(merged(reference)["counts"], dtype=np.float64)
    share = pooled / max(pooled.sum(), 1)
    ranks = np.cumsum(share) - share / 2
    spread = np.abs(ranks - 0.5)
    counts = np.array([day["counts"] for day in days], dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    variance = [share @ ranks**2 - (share @ ranks) ** 2, share @ spread**2 - (share @ spread) ** 2]
    # A day without values says nothing about ranks: it stands at the reference's own mean.
    empty = counts.sum(axis=1) == 0
    values = np.column_stack([shares @ ranks, shares @ spread])
    values[empty] = [share @ ranks, share @ spread]
    return ["location", "spread"], values, np.maximum(variance, 0)


def _shares(
    reference: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    pooled = counts_by_category(reference)
    total = max(sum(pooled.values()), 1)
    common = [name for name, count in pooled.items() if count / total >= RARE]
    values = np.zeros((len(days), len(common) + 2))
    for number, day in enumerate(days):
        counts = dict(zip(day["categories"], day["counts"], strict=True))
        present = max(sum(counts.values()), 1)
        unseen = sum(count for name, count in counts.items() if name not in pooled)
        known = [counts.get(name, 0) for name in common]
        values[number] = np.array([*known, present - unseen - sum(known), unseen]) / present
    return [*common, "rare", UNSEEN], _arcsine(np.clip(values, 0, 1)), np.full(len(common) + 2, 0.25)


def _arcsine(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.arcsin(np.sqrt(share))


def _aligned(
    reference: Mapping[str, Any], window: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if reference["kind"] == "numeric":
        first, second = list(reference["counts"]), list(window["counts"])
    else:
        one, two = counts_by_category([reference]), counts_by_category([window])
        names = sorted({*one, *two})
        first, second = [one.get(name, 0) for name in names], [two.get(name, 0) for name in names]
    return np.array([*first, reference["nulls"]], dtype=np.float64), np.array(
        [*second, window["nulls"]], dtype=np.float64
    )
