"""Merges the profiles of days into the profile of a window."""

from collections.abc import Iterable, Sequence

import numpy as np

from include.foundation.errors import ContractError
from include.stages.drift.profiling.column_profile import Counts, Profile
from include.stages.drift.profiling.counting import bounded


def merged(profiles: Iterable[Profile]) -> Profile:
    """Return the profile of all rows of some profiles, at least one, of the same column and segment.

    Numeric profiles must have the same bins, except those without any, whose values are then left out.

    Raises
    ------
    ContractError
        If the bins differ.
    """
    days = list(profiles)
    first, last, rows = days[0], days[-1], sum(day.rows for day in days)
    values = _merged_numbers(days) if first.values.kind == "numeric" else _merged_categories(days)
    return Profile(f"{first.day}…{last.day}", first.segment, first.column, rows, values)


def common_edges(profiles: Sequence[Profile]) -> list[float]:
    """Return the bin edges that some numeric profiles share.

    Raises
    ------
    ContractError
        If the edges differ.
    """
    edges = profiles[0].values.edges
    if any(profile.values.edges != edges for profile in profiles):
        raise ContractError(f"{profiles[0].column}: got profiles with different bins, expected the same in all")
    return edges


def counts_by_category(profiles: Iterable[Profile]) -> dict[str, int]:
    """Return how often each category occurs in all profiles together, by name; by bucket if there are too many names."""
    counts: dict[str, int] = {}
    for profile in profiles:
        for name, count in zip(profile.values.categories, profile.values.counts, strict=True):
            counts[name] = counts.get(name, 0) + count
    return bounded(counts)


def _merged_numbers(days: Sequence[Profile]) -> Counts:
    filled = [day for day in days if day.counted] or days[:1]
    filled = [day for day in filled if day.has_bins] or filled
    edges = common_edges(filled)
    counts: list[int] = np.sum([day.values.counts for day in filled], axis=0).tolist()
    total = float(sum(day.values.total for day in filled))
    return Counts("numeric", counts, edges, total, float(sum(day.values.total_squared for day in filled)))


def _merged_categories(days: Sequence[Profile]) -> Counts:
    counts = counts_by_category(days)
    return Counts("categorical", list(counts.values()), categories=list(counts))
