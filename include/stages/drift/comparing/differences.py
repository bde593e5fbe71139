"""How a window differs from ordinary days, and how significant that is, given how much ordinary days differ themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.data_sections import Drift
from include.foundation.statistics.tails import two_sided_t, upper_f
from include.stages.drift.comparing.day_statistics import DayStatistics

TINY = 1e-12
WEEKDAY_LEVEL = 0.01
WEIGHTS = {"location": 3}  # most shifts show there; the weight of any other statistic is 1
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How one statistic of a window differs from ordinary days.

    Attributes
    ----------
    statistic
        Its name.
    expected, current
        Its value as ordinary days, or those of the same weekday, let expect it, and in the window; in the units of effects.
    effect
        Size of the difference, 0 to 1.
    p_value
        0 to 1, of this statistic alone; 0 for one that never varied and now differs.
    varies
        Whether it varied in the reference or differs now; a statistic that does neither is no evidence.
    is_rare
        Whether it is a share of missing, unseen or rare values, for which a smaller floor of effects holds.
    """

    statistic: str
    expected: float
    current: float
    effect: float
    p_value: float
    varies: bool
    is_rare: bool = False

    def floor(self, drift: Drift) -> float:
        """Return the smallest effect that matters."""
        return min(drift.min_effect, drift.min_rare_effect) if self.is_rare else drift.min_effect


@dataclass(frozen=True)
class ReferenceModel:
    """What the reference days say of the window's mean.

    Attributes
    ----------
    weights
        Of the reference days, (days,); their sum is 1.
    variance
        Between days, (k,).
    degrees
        Degrees of freedom of the variance.
    """

    weights: Numbers
    variance: Numbers
    degrees: int


def differences(reference: DayStatistics, current: DayStatistics, *, by_weekday: bool) -> list[Difference]:
    """Compare a window with ordinary days, statistic by statistic.

    Parameters
    ----------
    reference
        Statistics of the reference days, at least two.
    current
        The same statistics of the window's days, which are weighted by their rows.
    by_weekday
        Whether weekdays may differ. A statistic is then compared with the same weekdays of the reference if its weekdays do
        differ (F-test at 0.01), and if the reference has each weekday of the window at least twice.

    Notes
    -----
    A t prediction interval: the window's mean less the reference days' mean, over the standard deviation *between days* plus
    the uncertainty of that mean, with ``days - 1`` degrees of freedom (Hahn & Meeker, Statistical Intervals, 1991). By weekday,
    the deviations are those from the weekdays' means, which cost as many degrees as there are weekdays. If weekdays differ but
    are not told apart, their differences are part of the standard deviation: conservative. A window with fewer rows a day than
    the reference days have is allowed the additional sampling variance; one with more rows is not judged more strictly. The
    variance is never taken for less than sampling alone gives.
    """
    days = len(reference.values)
    variance = reference.values.var(axis=0, ddof=1)
    p_values, expected = _prediction(reference, current, ReferenceModel(np.full(days, 1 / days), variance, days - 1))
    weekday_model = _weekday_model(reference, current) if by_weekday else None
    if weekday_model is not None:
        model, differs = weekday_model
        weekday_p_values, weekday_expected = _prediction(reference, current, model)
        p_values = np.where(differs, weekday_p_values, p_values)
        expected = np.where(differs, weekday_expected, expected)
    weights = _row_weights(current)
    means = weights @ current.natural
    distance = float(weights @ current.distance - reference.distance.mean()) - _extra_noise(reference, current)
    effects = np.clip(np.maximum(np.abs(means - expected), distance), 0, 1)
    varies = (variance > TINY) | (np.abs(means - expected) > TINY**0.5)
    arrays = (expected, means, effects, p_values, varies)
    columns = (reference.names, *(array.tolist() for array in arrays), reference.are_rare)
    return [Difference(*row) for row in zip(*columns, strict=True)]


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

    Notes
    -----
    Bonferroni with weights (Genovese, Roeder & Wasserman 2006): a p-value is multiplied by the weights of all statistics that
    vary and divided by its own, which is 3 for ``location`` and 1 for any other.
    """
    varying = [difference for difference in compared if difference.varies]
    if not varying:
        return replace(compared[0], p_value=1.0)
    total = sum(map(_weight, varying))
    best = min(varying, key=lambda each: (each.effect < each.floor(drift), each.p_value / _weight(each), -each.effect))
    return replace(best, p_value=min(1.0, best.p_value * total / _weight(best)))


def _extra_noise(reference: DayStatistics, current: DayStatistics) -> float:
    """Return how much further sampling alone takes a day of the window from the reference, because it has fewer rows."""
    share = np.clip(reference.natural.mean(axis=0), 0, 1)
    of_one_row = float(np.sqrt(share * (1 - share) / (2 * np.pi)).sum())  # half the mean absolute deviations
    return of_one_row * max(0.0, float(_row_weights(current) @ current.rows**-0.5 - (reference.rows**-0.5).mean()))


def _weight(difference: Difference) -> int:
    return WEIGHTS.get(difference.statistic, 1)


def _row_weights(days: DayStatistics) -> Numbers:
    return np.asarray(days.rows / days.rows.sum())


def _prediction(reference: DayStatistics, current: DayStatistics, model: ReferenceModel) -> tuple[Numbers, Numbers]:
    """Return p-values, and the values that are expected of the window on the natural scale, both (k,)."""
    rows, weights = current.rows.sum(), _row_weights(current)
    share = float(weights @ weights)  # of one day's variance: that of the window's mean
    extra_sampling = max(0.0, 1 / rows - float(np.mean(1 / reference.rows)) * share)
    of_window = np.maximum(
        model.variance * share + reference.row_variance * extra_sampling, reference.row_variance / rows
    )
    variance = of_window + model.variance * float(model.weights @ model.weights)
    distance = np.abs(weights @ current.values - model.weights @ reference.values)
    is_constant = variance < TINY
    t = distance / np.sqrt(np.where(is_constant, 1.0, variance))
    of_constant = np.where(distance < TINY**0.5, 1.0, 0.0)
    p_values = np.where(is_constant, of_constant, two_sided_t(t, model.degrees))
    return p_values, model.weights @ reference.natural


def _weekday_model(reference: DayStatistics, current: DayStatistics) -> tuple[ReferenceModel, NDArray[np.bool_]] | None:
    """Return the model by weekday, and which statistics' weekdays differ, (k,); None if the reference has too few of each."""
    weekdays, place = np.unique(reference.weekdays, return_inverse=True)
    is_weekday = (place[:, None] == np.arange(weekdays.size)).astype(np.float64)
    times = is_weekday.sum(axis=0)
    degrees = len(place) - weekdays.size
    weights = _row_weights(current)
    shares = np.array([weights[current.weekdays == weekday].sum() for weekday in weekdays])
    if degrees < 2 or weekdays.size < 2 or shares.sum() < 1 - TINY**0.5 or times[shares > 0].min() < 2:
        return None
    means = (is_weekday.T @ reference.values) / times[:, None]
    within = ((reference.values - means[place]) ** 2).sum(axis=0)
    between = times @ (means - reference.values.mean(axis=0)) ** 2
    ratio = (between / (weekdays.size - 1)) / np.maximum(within / degrees, TINY)
    differs = upper_f(ratio, weekdays.size - 1, degrees) < WEEKDAY_LEVEL
    return ReferenceModel(is_weekday @ (shares / times), within / degrees, degrees), differs
