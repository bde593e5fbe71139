"""How a window differs from ordinary days, and how significant that is, given how much ordinary days differ themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from include.foundation.config.data_sections import Drift
from include.foundation.statistics.tails import two_sided_t
from include.stages.drift.comparing.column_line import TINY, ColumnLine
from include.stages.drift.comparing.day_statistics import DayStatistics
from include.stages.drift.comparing.held_days import Distances, Held, Numbers
from include.stages.drift.comparing.joint_test import WEIGHTS, SquaredDistance, squared_distance
from include.stages.drift.comparing.pooling import correlations, moderated, pooled


@dataclass(frozen=True)
class Difference:
    """How one statistic of a window differs from ordinary days.

    Attributes
    ----------
    statistic
        Its name.
    expected, current
        Its value as ordinary days let expect it, and in the window; in the units of effects.
    effect
        Size of the difference, 0 to 1.
    p_value
        0 to 1, of this statistic alone; 0 for one that never varied and now differs.
    varies
        Whether it varied in the reference or differs now; a statistic that does neither is no evidence.
    is_rare
        Whether it is a share of missing, unseen or rare values, for which a smaller floor of effects holds.
    rarest
        The smallest p-value that any reference day has when it is held against the others.
    per_day, trend_p_value
        By how much it rises a day over the reference, and how significantly that is not 0.
    ordinary
        Twice the standard deviation of ordinary days, on the scale that is tested.
    varied
        Whether ordinary days differed in it.
    """

    statistic: str
    expected: float
    current: float
    effect: float
    p_value: float
    varies: bool
    is_rare: bool = False
    rarest: float = 1.0
    per_day: float = 0.0
    trend_p_value: float = 1.0
    ordinary: float = 0.0
    varied: bool = True

    def floor(self, drift: Drift) -> float:
        """Return the smallest effect that matters."""
        return floors_of(drift)[self.is_rare]


def floors_of(drift: Drift) -> tuple[float, float]:
    """Return the smallest effects that matter, of most statistics and of shares of missing, unseen and rare values."""
    return drift.min_effect, min(drift.min_effect, drift.min_rare_effect)


@dataclass(frozen=True)
class Compared:
    """How the statistics of a column differ: in the window itself, and in the last windows taken together, if that is known.

    Attributes
    ----------
    alone, together
        The differences.
    squared
        How far the column as a whole is from ordinary, of both; None where that is not known.
    """

    alone: list[Difference]
    together: list[Difference]
    squared: tuple[SquaredDistance | None, SquaredDistance | None] = (None, None)


def compare(columns: Sequence[ColumnLine], beside: Sequence[ColumnLine] = ()) -> list[Compared]:
    """Compare the windows of some columns with their ordinary days.

    Parameters
    ----------
    columns
        Each with its reference days; they say together how much days depend on each other, whether they follow a slope, and how
        much they differ.
    beside
        Columns that say that as well, and are not compared.

    Notes
    -----
    A t prediction interval (Hahn & Meeker, Statistical Intervals, 1991) about a line through the reference days, whose
    variance is that *between days*. Days depend on each other as in a first-order autoregression; the expected sum of squares
    and its degrees of freedom (Satterthwaite) allow for that. A column alone tells little of it, and of its variance. So they
    are drawn to those of all columns, see `correlations` and `moderated`; and so is the share of a slope that is believed,
    1 - 1 / F. A window with fewer rows than the reference days is allowed the additional sampling variance, one with more is
    not judged more strictly, and the variance is never taken for less than sampling alone gives.
    """
    everything = [*columns, *beside]
    placed = [line.placed(correlation) for line, correlation in zip(everything, correlations(everything), strict=True)]
    slopes = [line.slope_t(place) for line, place in zip(everything, placed, strict=True)]
    lower = [np.maximum(slope - 1, 0) ** 2 - slope**2 for slope in slopes]
    ratios = pooled(everything, [slope**2 for slope in slopes], [-difference for difference in lower])
    held = [
        line.held(place, np.maximum(0, 1 - 1 / np.maximum(ratio, TINY)))
        for line, place, ratio in zip(everything, placed, ratios, strict=True)
    ]
    trends = _p_values(slopes, [each.degrees for each in held])[: len(columns)]
    held = moderated(everything, held)[: len(columns)]
    alone = [line.alone(each) for line, each in zip(columns, held, strict=True)]
    together = [line.together(each) for line, each in zip(columns, held, strict=True)]
    sides = [_differences(columns, held, distances, trends) for distances in (alone, together)]
    squared = [
        [squared_distance(*each) for each in zip(columns, held, side, strict=True)] for side in (alone, together)
    ]
    return [Compared(*each) for each in zip(*sides, zip(*squared, strict=True), strict=True)]


def differences(reference: DayStatistics, current: DayStatistics, *, by_weekday: bool) -> list[Difference]:
    """Compare the window of a single column with its ordinary days, statistic by statistic; see `compare`.

    Parameters
    ----------
    reference
        Statistics of the reference days, at least three.
    current
        The same statistics of the window's days, which are weighted by their rows.
    by_weekday
        Whether weekdays may differ. A statistic is then compared with the same weekdays of the reference if its weekdays do
        differ (F-test at 0.01), and if the reference has each weekday of the window at least twice.
    """
    return compare([ColumnLine(reference, current, by_weekday=by_weekday)])[0].alone


def most_significant(compared: Sequence[Difference], drift: Drift) -> Difference:
    """Return the difference to report of a column, with the p-value of the column as a whole.

    Parameters
    ----------
    compared
        All differences of the column, at least one.
    drift
        Says the floors of effects: a difference that reaches its own goes before one that does not, whatever their p-values.

    Returns
    -------
    Difference
        The one with the smallest weighted p-value. Its ``p_value`` is the weighted one, at most 1; it is 1 if nothing varies.
        So is ``rarest``, the smallest of all statistics.

    Notes
    -----
    Bonferroni with weights (Genovese, Roeder & Wasserman 2006): a p-value is multiplied by the weights of all statistics that
    vary and divided by its own, which is 3 for ``location`` and 1 for any other.
    """
    varying = [difference for difference in compared if difference.varies]
    if not varying:
        return replace(compared[0], p_value=1.0, rarest=1.0)
    total = sum(map(_weight, varying))
    best = min(varying, key=lambda each: (each.effect < each.floor(drift), each.p_value / _weight(each), -each.effect))
    rarest = min(each.rarest * total / _weight(each) for each in varying)
    return replace(best, p_value=min(1.0, best.p_value * total / _weight(best)), rarest=min(1.0, rarest))


def _weight(difference: Difference) -> int:
    return WEIGHTS.get(difference.statistic, 1)


def _differences(
    columns: Sequence[ColumnLine],
    held: Sequence[Held],
    distances: Sequence[Distances | None],
    trends: Sequence[Numbers],
) -> list[list[Difference]]:
    """Return the differences of each column; none where there are no distances."""
    known = [(each, one.degrees) for each, one in zip(distances, held, strict=True) if each is not None]
    p_values = iter(_p_values([each.window for each, _ in known], [degrees for _, degrees in known]))
    rarest = iter(_p_values([each.ordinary for each, _ in known], [each.run_degrees for each, _ in known]))
    return [
        _of_column(line, one, each.weights, next(p_values), next(rarest), trend) if each is not None else []
        for line, one, each, trend in zip(columns, held, distances, trends, strict=True)
    ]


def _of_column(
    line: ColumnLine, held: Held, weights: Numbers, p_values: Numbers, rarest: Numbers, trends: Numbers
) -> list[Difference]:
    expected, current, distance = line.natural(held, weights)
    apart = np.where(line.reference.are_rare, 0.0, distance)  # what common categories move by says nothing of rare ones
    effects = np.clip(np.maximum(np.abs(current - expected), apart), 0, 1)
    varies = (held.variance > TINY) | (np.abs(current - expected) > TINY**0.5)
    arrays = (expected, current, effects, p_values, varies)
    ends = (rarest, line.natural_slope, trends, 2 * np.sqrt(held.variance), held.variance > TINY)
    names, rare = line.reference.names, line.reference.are_rare
    columns = (names, *(array.tolist() for array in arrays), rare, *(array.tolist() for array in ends))
    return [Difference(*row) for row in zip(*columns, strict=True)]


def _p_values(distances: Sequence[Numbers], degrees: Sequence[Numbers]) -> list[Numbers]:
    """Return the two-sided p-values of some arrays of t statistics, worked out all at once; 0 for an infinite one."""
    if not distances:
        return []
    t, ends = np.concatenate(distances), np.cumsum([len(each) for each in distances])[:-1]
    p_values = two_sided_t(np.where(np.isinf(t), 0.0, t), np.concatenate(degrees))
    return np.split(np.where(np.isinf(t), 0.0, p_values), ends)
