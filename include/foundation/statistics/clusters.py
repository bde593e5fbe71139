"""How much rows say that are not independent: rows of one document, patient or user say less than as many strangers."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clustered_rows(
    values: Floats, weights: Floats, groups: Sequence[Hashable | None], effective: float, level: float = 0.95
) -> float:
    """Return how many independent rows would say as much about a weighted mean as rows of groups do.

    Parameters
    ----------
    values, weights
        Of each row, float64, (n,), at least one.
    groups
        The group of each row; a row without one is its own.
    effective
        The effective number of rows if they were independent: the result is never above it.
    level
        Of the interval that the result is for, 0 to 1.

    Notes
    -----
    The variance of the mean is that of the sums over groups of the weighted residuals (linearisation; Binder 1983), and counts
    in rows by the variance of the values. Few groups are a poor estimate of it: the number is lowered by the squared ratio of
    the quantiles of the normal and of Student's t with one degree less than there are groups (Korn & Graubard 1998). Values
    that are all equal say nothing about it, and count by the weights of the groups.

    Examples
    --------
    >>> rows = np.array([1.0, 1.0, 0.0, 0.0] * 30)
    >>> clustered_rows(rows, np.ones(120), list(range(120)), 120.0)
    116.5...
    >>> clustered_rows(rows, np.ones(120), [place // 2 for place in range(120)], 120.0)
    56.6...
    """
    from scipy import special

    _, member = np.unique([_name(place, group) for place, group in enumerate(groups)], return_inverse=True)
    count = int(member.max()) + 1
    share = weights / weights.sum()
    mean = float(share @ values)
    variance = float(share @ (values - mean) ** 2)
    residuals = np.bincount(member, share * (values - mean), count)
    of_mean = count / max(count - 1, 1) * float(residuals @ residuals)
    if count == 1 or variance <= 0 or of_mean <= 0:
        mass = np.bincount(member, share, count)
        return min(effective, 1 / float(mass @ mass))
    tail = (1 + level) / 2
    few = float(special.ndtri(tail) / special.stdtrit(count - 1, tail)) ** 2
    return max(1.0, min(effective, variance / of_mean * few))


def _name(place: int, group: Hashable | None) -> str:
    return f"row {place}" if group is None else f"group {group}"
