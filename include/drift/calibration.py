"""Significance against ordinary days: how much the reference days differ among themselves."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from include.drift.statistics import DayStatistics

TINY = 1e-12


def window_p_value(reference: DayStatistics, window: DayStatistics) -> tuple[float, str]:
    """Return the p-value of a column's window, and the statistic that gave it.

    Parameters
    ----------
    reference
        Statistics of the reference days, at least two.
    window
        Statistics of the window's days, by the same definition.

    Returns
    -------
    tuple of (float, str)
        p-value in 0 to 1, corrected for the number of statistics (Bonferroni), and the name of the most extreme one.

    Notes
    -----
    A t prediction interval: the window's mean less the reference days' mean, over the standard deviation *between days* plus
    the uncertainty of that mean, with ``days - 1`` degrees of freedom (Hahn & Meeker, Statistical Intervals, 1991). A window
    with fewer rows a day than the reference has days is allowed the additional sampling variance; one with more rows
    is not made stricter, so the level holds either way. The variance is never taken for less than sampling alone gives.
    """
    days, width = len(reference.values), len(window.values)
    mean = reference.values.mean(axis=0)
    between = reference.values.var(axis=0, ddof=1)
    thinner = max(0.0, 1 / window.rows.sum() - float(np.mean(1 / reference.rows)) / width)
    sampling = reference.row_variance / window.rows.sum()
    variance = np.maximum(between / width + reference.row_variance * thinner, sampling) + between / days
    weights = window.rows / window.rows.sum()
    distance = np.abs(weights @ window.values - mean)
    return _smallest(distance, variance, days - 1, reference.names)


def flagged_by_false_discovery(p_values: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Return which p-values are discoveries at a false discovery rate (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p_values
        float64, (n,), may be empty.
    rate
        Expected share of false discoveries, 0 to 1.

    Examples
    --------
    >>> flagged_by_false_discovery(np.array([0.001, 0.2, 0.03]), 0.05)
    array([ True, False,  True])
    """
    n = p_values.size
    order = np.argsort(p_values)
    passing = np.flatnonzero(p_values[order] <= rate * np.arange(1, n + 1) / max(n, 1))
    flagged = np.zeros(n, dtype=bool)
    if passing.size:
        flagged[order[: passing[-1] + 1]] = True
    return flagged


def _smallest(
    distance: NDArray[np.float64], variance: NDArray[np.float64], degrees: int, names: list[str]
) -> tuple[float, str]:
    """Return the Bonferroni-corrected smallest p-value; a statistic that never varied and now differs has p = 0."""
    still = variance < TINY
    t = distance / np.sqrt(np.where(still, 1.0, variance))
    p = np.where(still, np.where(distance < TINY**0.5, 1.0, 0.0), 2 * stats.t.sf(t, degrees))
    best = int(np.argmin(p))
    return float(min(1.0, p[best] * len(names))), names[best]
