"""How much rows say that are not independent: rows of one document, patient or user say less than as many strangers."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
END = 0.5  # groups of the smallest value and of the largest that are added
LEAST_DEGREES = 0.5  # of Student's t


def clustered_rows(
    values: Floats,
    weights: Floats,
    groups: Sequence[Hashable | None],
    effective: float,
    level: float = 0.95,
    least: float = 0.0,
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
    least
        The smallest value that a row may have; the largest is 1.

    Notes
    -----
    The variance of the mean is that of the sums over groups of the weighted residuals (linearisation; Binder 1983), and counts
    in rows by the variance of the values. Half a group of the smallest value is added, and half a one of the largest: where few
    values differ, the groups that were drawn tell too little of how much groups do. Few groups are a poor estimate of a
    variance: the number is lowered by the squared ratio of the quantiles of the normal and of Student's t (Korn & Graubard
    1998), with one degree less than there would be groups if all weighed alike. Values that are all equal count by that number.

    Examples
    --------
    >>> rows = np.array([1.0, 1.0, 0.0, 0.0] * 30)
    >>> clustered_rows(rows, np.ones(120), list(range(120)), 120.0)
    117.0...
    >>> clustered_rows(rows, np.ones(120), [place // 2 for place in range(120)], 120.0)
    57.0...
    """
    from scipy import special

    member = group_numbers(len(groups), groups)
    mass = np.bincount(member, weights)
    alike = float(mass.sum() ** 2 / (mass @ mass))
    if values.min() == values.max():
        return min(effective, alike)
    ends = np.full(2, END * float(mass @ mass / mass.sum()))
    share = np.concatenate([weights, ends])
    real, share = float(weights.sum() / share.sum()), share / share.sum()
    residuals = np.append(values, [least, 1.0])
    residuals = residuals - float(share @ residuals)
    of_groups = np.bincount(np.append(member, [mass.size, mass.size + 1]), share * residuals)
    count = mass.size + 2 * END
    of_mean = count / (count - 1) * float(of_groups @ of_groups)
    tail = (1 + level) / 2
    few = float(special.ndtri(tail) / special.stdtrit(max(alike - 1, LEAST_DEGREES), tail)) ** 2
    return max(1.0, min(effective, float(share @ residuals**2) / of_mean * real * few))


def group_numbers(rows: int, groups: Sequence[Hashable | None] | None) -> NDArray[np.intp]:
    """Return the number of each row's group, (n,); a row without one is its own.

    Examples
    --------
    >>> group_numbers(3, ["a", None, "a"]).tolist()
    [0, 1, 0]
    """
    if groups is None:
        return np.arange(rows)
    _, member = np.unique([_name(place, group) for place, group in enumerate(groups)], return_inverse=True)
    return np.asarray(member)


def _name(place: int, group: Hashable | None) -> str:
    return f"row {place}" if group is None else f"group {group}"
