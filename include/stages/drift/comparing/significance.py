"""Significance against ordinary days: how much the reference days differ among themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.tails import two_sided_t, upper_f
from include.stages.drift.comparing.day_statistics import DayStatistics

TINY = 1e-12
WEEKDAY_LEVEL = 0.01
# How what may flag a window shares ``drift.false_alarm_rate``; accuracy on labels has that of a version's whole life.
SHARES = {"columns": 5 / 8, "segments": 1 / 8, "estimated": 3 / 16, "labels": 1 / 16}
WEIGHTS = {"location": 3}  # most shifts show there; the others count once
# Weights of the reference days (days,), variance between days (k,), and its degrees of freedom.
Model = tuple[NDArray[np.float64], NDArray[np.float64], int]


@dataclass(frozen=True)
class Difference:
    """One statistic of a window against ordinary days.

    Attributes
    ----------
    statistic
        Its name.
    expected, found
        What ordinary days, or its own weekdays, let expect of the window, and what it has; in the units of effects.
    effect
        Size of the difference, 0 to 1.
    p_value
        0 to 1, of this statistic alone; 0 of one that never varied and now differs.
    varies
        Whether it varied in the reference or differs now; one that does neither says nothing.
    """

    statistic: str
    expected: float
    found: float
    effect: float
    p_value: float
    varies: bool


def differences(reference: DayStatistics, window: DayStatistics, *, weekdays: bool) -> list[Difference]:
    """Hold a window against ordinary days, statistic by statistic.

    Parameters
    ----------
    reference
        Statistics of the reference days, at least two.
    window
        Statistics of the window's days, by the same definition; they are weighted by their rows.
    weekdays
        Whether weekdays may differ: the window is then held against the reference's same weekdays, for those statistics whose
        weekdays do differ (F-test at 0.01) and if each weekday of the window is there at least twice.

    Notes
    -----
    A t prediction interval: the window's mean less the reference days' mean, over the standard deviation *between days* plus
    the uncertainty of that mean, with ``days - 1`` degrees of freedom (Hahn & Meeker, Statistical Intervals, 1991); with
    weekdays, the deviations are those from the weekdays' means and cost as many degrees as there are weekdays. Where weekdays
    differ but are not told apart, their differences are part of the standard deviation: conservative. A window with fewer rows
    a day than the reference has days is allowed the additional sampling variance; one with more rows is not made stricter. The
    variance is never taken for less than sampling alone gives.
    """
    weights = window.rows / window.rows.sum()
    days = len(reference.values)
    plain = np.full(days, 1 / days)
    spread = reference.values.var(axis=0, ddof=1)
    p, expected = _prediction(reference, window, (plain, spread, days - 1))
    by_weekday = _weekday_model(reference, window, weights) if weekdays else None
    if by_weekday is not None:
        model, chosen = by_weekday
        p_weekday, expected_weekday = _prediction(reference, window, model)
        p, expected = np.where(chosen, p_weekday, p), np.where(chosen, expected_weekday, expected)
    found = weights @ window.natural
    more_distance = float(weights @ window.distance - reference.distance.mean())
    effects = np.clip(np.maximum(np.abs(found - expected), more_distance), 0, 1)
    varies = (spread > TINY) | (np.abs(found - expected) > TINY**0.5)
    columns = (reference.names, expected.tolist(), found.tolist(), effects.tolist(), p.tolist(), varies.tolist())
    return [Difference(*row) for row in zip(*columns, strict=True)]


def most_telling(found: Sequence[Difference], min_effect: float) -> tuple[Difference, float]:
    """Return the difference to report of a column, and the column's p-value.

    Parameters
    ----------
    found
        All differences of the column, at least one.
    min_effect
        Effects below it do not matter: one that does goes before, whatever its p-value.

    Returns
    -------
    tuple of (Difference, float)
        The difference with the smallest weighted p-value among those that matter, and that p-value, at most 1.

    Notes
    -----
    Bonferroni with weights (Genovese, Roeder & Wasserman 2006): a p-value is multiplied by the weights of all statistics that
    vary and divided by its own, which is 3 for ``location`` and 1 for any other.
    """
    telling = [difference for difference in found if difference.varies]
    if not telling:
        return found[0], 1.0
    total = sum(map(_weight, telling))
    best = min(telling, key=lambda one: (one.effect < min_effect, one.p_value / _weight(one), -one.effect))
    return best, min(1.0, best.p_value * total / _weight(best))


def _weight(difference: Difference) -> int:
    return WEIGHTS.get(difference.statistic, 1)


def _prediction(
    reference: DayStatistics, window: DayStatistics, model: Model
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p-values and expected natural values, (k,)."""
    of_day, spread, degrees = model
    rows = window.rows.sum()
    weights = window.rows / rows
    share = float(weights @ weights)
    thinner = max(0.0, 1 / rows - float(np.mean(1 / reference.rows)) * share)
    own = np.maximum(spread * share + reference.row_variance * thinner, reference.row_variance / rows)
    variance = own + spread * float(of_day @ of_day)
    distance = np.abs(weights @ window.values - of_day @ reference.values)
    still = variance < TINY
    t = distance / np.sqrt(np.where(still, 1.0, variance))
    p = np.where(still, np.where(distance < TINY**0.5, 1.0, 0.0), two_sided_t(t, degrees))
    return p, of_day @ reference.natural


def _weekday_model(
    reference: DayStatistics, window: DayStatistics, weights: NDArray[np.float64]
) -> tuple[Model, NDArray[np.bool_]] | None:
    """Return the model of weekdays, and for which statistics they differ; None if the reference has too few of each."""
    kinds, place = np.unique(reference.weekdays, return_inverse=True)
    member = (place[:, None] == np.arange(kinds.size)).astype(np.float64)
    times = member.sum(axis=0)
    degrees = len(place) - kinds.size
    wanted = np.array([weights[window.weekdays == kind].sum() for kind in kinds])
    if degrees < 2 or kinds.size < 2 or wanted.sum() < 1 - TINY**0.5 or times[wanted > 0].min() < 2:
        return None
    means = (member.T @ reference.values) / times[:, None]
    within = ((reference.values - means[place]) ** 2).sum(axis=0)
    between = times @ (means - reference.values.mean(axis=0)) ** 2
    ratio = (between / (kinds.size - 1)) / np.maximum(within / degrees, TINY)
    differ = upper_f(ratio, kinds.size - 1, degrees) < WEEKDAY_LEVEL
    return (member @ (wanted / times), within / degrees, degrees), differ
