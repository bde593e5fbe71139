"""How many random rows are drawn of each value of a segment, so that small ones are measured, too."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import floor
from typing import TypeVar

ROUNDING = 1e-9
Value = TypeVar("Value", bound=Hashable)


def allocated(sizes: Mapping[Value, int], n: int, fewest: int) -> dict[Value, int] | None:
    """Return how many rows to draw of each value: as served, but no fewer than a quota.

    Parameters
    ----------
    sizes
        Rows of each value, above 0.
    n
        How many rows to draw; at most all of them.
    fewest
        The quota, above 0. A value with fewer rows is drawn whole. Where n is too small for all, it is the largest quota that
        can be kept.

    Returns
    -------
    dict or None
        None if there are more values than rows to draw. Each number is otherwise above 0, so that every row can be drawn.

    Examples
    --------
    >>> allocated({"eu": 900, "us": 90, "asia": 10}, 20, 3)
    {'eu': 14, 'us': 3, 'asia': 3}
    >>> allocated({"eu": 900, "us": 90, "asia": 10}, 2, 3) is None
    True
    """
    quota = next((rows for rows in range(fewest, 0, -1) if sum(min(rows, size) for size in sizes.values()) <= n), 0)
    if not quota:
        return None
    fixed: dict[Value, int] = {}
    while True:
        free = {value: size for value, size in sizes.items() if value not in fixed}
        rate = (n - sum(fixed.values())) / max(1, sum(free.values()))
        short = {value: min(quota, size) for value, size in free.items() if size * rate < min(quota, size)}
        if not short:
            return _rounded({value: fixed.get(value, size * rate) for value, size in sizes.items()}, n)
        fixed |= short


def _rounded(shares: Mapping[Value, float], n: int) -> dict[Value, int]:
    """Return the shares as whole numbers that add up to n: those with the largest remainders are rounded up."""
    rows = {value: floor(share + ROUNDING) for value, share in shares.items()}
    behind = sorted(shares, key=lambda value: (rows[value] - shares[value], str(value)))
    for value in behind[: n - sum(rows.values())]:
        rows[value] += 1
    return rows


def drawn_places(
    values: Sequence[Value], sizes: Mapping[Value, int], n: int, fewest: int
) -> tuple[list[int], list[float]]:
    """Return which rows of a random order are drawn, and the probability with which each was.

    Parameters
    ----------
    values
        Of the segment, in the random order; only the first n rows of each value are needed, or of all, if there are more values
        than that.
    sizes
        How many rows each value has.
    n, fewest
        As in `allocated`, of n at most all rows. Rows are drawn alike where there are more values than rows to draw.
    """
    total = sum(sizes.values())
    n = min(n, total)
    rows = allocated(sizes, n, fewest)
    if rows is None:
        return list(range(n)), [n / max(1, total)] * n
    seen: Counter[Value] = Counter()
    places = []
    for place, value in enumerate(values):
        if seen[value] < rows[value]:
            places.append(place)
        seen[value] += 1
    return places, [rows[values[place]] / sizes[values[place]] for place in places]
