"""Profiles of days, put together to the profile of a window."""

from collections.abc import Iterable, Sequence

import numpy as np

from include.stages.drift.profiling.column_profile import Counts, Profile
from include.stages.drift.profiling.counting import bounded


def merged(profiles: Iterable[Profile]) -> Profile:
    """Return the profile of the union of the rows of some profiles of one column and segment, at least one.

    A numeric profile without finite values says nothing about bins: it may have others.

    Raises
    ------
    ValueError
        If numeric profiles have different edges.
    """
    parts = list(profiles)
    first, last, rows = parts[0], parts[-1], sum(part.rows for part in parts)
    values = _numbers(parts) if first.values.kind == "numeric" else _categories(parts)
    return Profile(f"{first.day}…{last.day}", first.segment, first.column, rows, values)


def common_edges(profiles: Sequence[Profile]) -> list[float]:
    """Return the edges of numeric profiles.

    Raises
    ------
    ValueError
        If they are not the same in all.
    """
    edges = profiles[0].values.edges
    if any(profile.values.edges != edges for profile in profiles):
        msg = f"{profiles[0].column}: got profiles with different bins, expected the same in all"
        raise ValueError(msg)
    return edges


def counts_by_category(profiles: Iterable[Profile]) -> dict[str, int]:
    """Return how often each category occurs in all profiles together, in name order; by bucket if they are too many."""
    counts: dict[str, int] = {}
    for profile in profiles:
        for name, count in zip(profile.values.categories, profile.values.counts, strict=True):
            counts[name] = counts.get(name, 0) + count
    return bounded(counts)


def _numbers(parts: Sequence[Profile]) -> Counts:
    filled = [part for part in parts if part.counted] or parts[:1]
    edges = common_edges(filled)
    counts: list[int] = np.sum([part.values.counts for part in filled], axis=0).tolist()
    total, squared = (
        float(sum(sums))
        for sums in zip(*((part.values.total, part.values.total_squared) for part in filled), strict=True)
    )
    return Counts("numeric", counts, edges, total, squared)


def _categories(parts: Sequence[Profile]) -> Counts:
    counts = counts_by_category(parts)
    return Counts("categorical", list(counts.values()), categories=list(counts))
