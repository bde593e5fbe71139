"""Profiles of days, put together to the profile of a window."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from include.stages.drift.profiling.counting import Profile, bounded


def merged(profiles: Iterable[Mapping[str, Any]]) -> Profile:
    """Return the profile of the union of the rows of some profiles of one column and segment, at least one.

    A numeric profile without finite values says nothing about bins: it may have others.

    Raises
    ------
    ValueError
        If numeric profiles have different edges.
    """
    parts = list(profiles)
    first = parts[0]
    result: Profile = {**first, "day": f"{first['day']}…{parts[-1]['day']}"}
    result |= {name: sum(part[name] for part in parts) for name in ("rows", "nulls")}
    if first["kind"] == "categorical":
        counts = counts_by_category(parts)
        return result | {"categories": list(counts), "counts": list(counts.values())}
    filled = [part for part in parts if part["rows"] > part["nulls"]] or parts[:1]
    edges = common_edges(filled)
    counts_by_bin = np.sum([part["counts"] for part in filled], axis=0).tolist()
    sums = {name: float(sum(part[name] for part in filled)) for name in ("total", "total_squared")}
    return result | {"edges": edges, "counts": counts_by_bin} | sums


def common_edges(profiles: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the edges of numeric profiles.

    Raises
    ------
    ValueError
        If they are not the same in all.
    """
    edges = list(profiles[0]["edges"])
    if any(list(part["edges"]) != edges for part in profiles):
        msg = f"{profiles[0]['column']}: got profiles with different bins, expected the same in all"
        raise ValueError(msg)
    return edges


def counts_by_category(profiles: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how often each category occurs in all profiles together, in name order; by bucket if they are too many."""
    counts: dict[str, int] = {}
    for profile in profiles:
        for name, count in zip(profile["categories"], profile["counts"], strict=True):
            counts[name] = counts.get(name, 0) + count
    return bounded(counts)
