"""The statistics that days are compared by: a few numbers per column, each with the variance that sampling alone gives it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.counting import counts_by_bucket, is_bucket
from include.stages.drift.profiling.merging import common_edges, counts_by_category, merged

RARE = 0.01
BEYOND = 0.25
NOISE = 1e-6  # of a mean: a smaller standard deviation may be what is left of rounding
MISSING, UNSEEN = "missing", "unseen"
Numbers = NDArray[np.float64]
Profiles = Sequence[Profile]


@dataclass(frozen=True)
class DayStatistics:
    """Statistics of one column for some days.

    Attributes
    ----------
    names
        Name of each statistic, length k.
    values
        float64, (days, k): what is tested.
    natural
        float64, (days, k): the same on their natural scale, in the units of effects; differences are -1 to 1.
    distance
        float64, (days,): share of the day's rows that would have to change category to be as in the reference; 0 for numbers.
    rows
        Rows of each day, float64, (days,).
    row_variance
        Variance of one row's contribution, float64, (k,): a day's sampling variance is this divided by its rows.
    days
        Ordinal of each day, int64, (days,).
    are_rare
        Whether each statistic is a share of values that ordinarily are few: missing, unseen or rare ones, length k.
    """

    names: list[str]
    values: Numbers
    natural: Numbers
    distance: Numbers
    rows: Numbers
    row_variance: Numbers
    days: NDArray[np.int64]
    are_rare: list[bool]


def day_statistics(days: Profiles, names: list[str], values: Numbers, row_variance: Numbers) -> DayStatistics:
    """Return statistics that are tested in the units of their effects.

    Parameters
    ----------
    days
        Profiles of one column, each with a value.
    names
        Of the statistics, length k.
    values
        float64, (days, k).
    row_variance
        float64, (k,).
    """
    rows = np.array([day.counted for day in days], dtype=np.float64)
    zeros, none = np.zeros(len(days)), [False] * len(names)
    return DayStatistics(names, values, values, zeros, rows, row_variance, _ordinals(days), none)


def value_statistics(reference: Profiles, current: Profiles | None = None) -> DayStatistics:
    """Return the statistics of the values of the current days, or of the reference days themselves.

    Parameters
    ----------
    reference
        Profiles of one column on the reference days, each with a value; ranks and categories are theirs.
    current
        Profiles of the same column on the days of the window, each with a value; None for the reference days.

    Notes
    -----
    Numbers: with u the rank of a value in the pooled reference scaled to -1 … 1, the means of u (``location``, which is
    Cliff's delta), of 2|u| - 1 (``spread``) and of 2|2|u| - 1| - 1 (``shape``: away from both ends and the middle). Each is
    -1 to 1, 0 for the reference, and uncorrelated with the others if there are no ties; none depends on the unit. If more than
    a quarter of the reference lies beyond the bins on one side, the column has left the range of the days that fixed its bins,
    and ranks tell little; if a day has no bins, there are no ranks. Mean and standard deviation are used then: ``location`` and
    ``spread`` are those of a normal distribution that has them.

    Categories: the share of each category with at least a hundredth of the reference, of the ``rare`` ones together, and of the
    ``unseen`` ones, which for a reference day are those of no *other* reference day. They are tested on the arcsine square-root
    scale, where the variance does not depend on the share (Anscombe 1948).
    """
    if reference[0].values.kind != "numeric":
        return _shares(reference, current)
    has_bins = all(day.has_bins for day in [*reference, *(current or [])])
    return (_ranks if has_bins and not _is_out_of_range(reference) else _moments)(reference, current)


def missing_statistics(days: Profiles) -> DayStatistics:
    """Return the share of missing values on some days, each with a row; on the scale of the shares in `value_statistics`."""
    rows = np.array([day.rows for day in days], dtype=np.float64)
    share = (np.array([day.nulls for day in days]) / rows)[:, None]
    return DayStatistics(
        [MISSING], _arcsine(share), share, np.zeros(len(days)), rows, np.array([0.25]), _ordinals(days), [True]
    )


def _ranks(reference: Profiles, current: Profiles | None) -> DayStatistics:
    days = reference if current is None else current
    common_edges([*reference, *days])
    pooled = np.sum([day.values.counts for day in reference], axis=0)
    share = pooled / pooled.sum()
    location = 2 * np.cumsum(share) - share - 1
    spread = 2 * np.abs(location) - 1
    scores = np.column_stack([location, spread, 2 * np.abs(spread) - 1])
    counts = np.array([day.values.counts for day in days], dtype=np.float64)
    values = counts @ scores / counts.sum(axis=1)[:, None]
    variance = np.maximum(share @ scores**2 - (share @ scores) ** 2, 0)
    return day_statistics(days, ["location", "spread", "shape"], values, variance)


def _is_out_of_range(reference: Profiles) -> bool:
    """Tell whether too many of the values lie beyond the bins, and their sums, which are used instead, are finite."""
    pooled = np.sum([day.values.counts for day in reference], axis=0)
    beyond = max(pooled[0], pooled[-1]) > BEYOND * pooled.sum()
    return bool(beyond and np.isfinite([day.values.total_squared for day in reference]).all())


def _moments(reference: Profiles, current: Profiles | None) -> DayStatistics:
    days = reference if current is None else current
    centre, width = _mean_and_deviation(merged(reference))
    means, widths = np.array([_mean_and_deviation(day) for day in days]).T
    smallest = max(NOISE * abs(centre), 1e-300)
    width, widths = max(width, smallest), np.maximum(widths, smallest)
    location = [math.erf(distance) for distance in (means - centre) / (2 * width)]
    values = np.column_stack([location, 4 / np.pi * np.arctan(widths / width) - 1])
    variance = np.array([1 / np.pi, 2 / np.pi**2])  # of both in a normal sample, by the delta method
    return day_statistics(days, ["location", "spread"], values, variance)


def _mean_and_deviation(profile: Profile) -> tuple[float, float]:
    mean, squared = profile.values.total / profile.counted, profile.values.total_squared / profile.counted
    return mean, math.sqrt(max(squared - mean**2, 0.0))


def _shares(reference: Profiles, current: Profiles | None) -> DayStatistics:
    days = reference if current is None else current
    counted = [dict(zip(day.values.categories, day.values.counts, strict=True)) for day in days]
    pooled = counts_by_category(reference)
    if any(is_bucket(name) for counts in [pooled, *counted] for name in counts):
        pooled, counted = counts_by_bucket(pooled), [counts_by_bucket(counts) for counts in counted]
    total = sum(pooled.values())
    common = {name: count / total for name, count in pooled.items() if count >= RARE * total}
    shares = np.array([_day_shares(counts, common, pooled, within_pooled=current is None) for counts in counted])
    expected = np.array([*common.values(), 1 - sum(common.values()), 0])
    distance = np.abs(shares - expected).sum(axis=1) / 2
    rows = np.array([day.counted for day in days], dtype=np.float64)
    names, variance = [*common, "rare", UNSEEN], np.full(expected.size, 0.25)
    are_rare = [*(False for _ in common), True, True]
    return DayStatistics(names, _arcsine(shares), shares, distance, rows, variance, _ordinals(days), are_rare)


def _day_shares(
    counts: Mapping[str, int], common: Mapping[str, float], pooled: Mapping[str, int], *, within_pooled: bool
) -> Numbers:
    """Return the shares of the common, rare and unseen categories; unseen is what no other day has.

    If the day itself is within ``pooled``, a category is unseen if all of its rows are the day's own.
    """
    total = sum(counts.values())
    known = [counts.get(name, 0) for name in common]
    unseen = sum(
        count
        for name, count in counts.items()
        if name not in common and pooled.get(name, 0) == (count if within_pooled else 0)
    )
    return np.array([*known, total - sum(known) - unseen, unseen]) / total


def _arcsine(share: Numbers) -> Numbers:
    return np.arcsin(np.sqrt(share))


def _ordinals(days: Profiles) -> NDArray[np.int64]:
    return np.array([date.fromisoformat(day.day).toordinal() for day in days])
