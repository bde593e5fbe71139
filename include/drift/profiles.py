"""One profile a day and column: what a window is made of, without reading the day again."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.drift.columns import watched
from include.store.interval import Interval
from include.store.tables import LoopStore, rows_of

BINS = 20
MOST_CATEGORIES = 1000
OTHER = "__other__"
Profile = dict[str, Any]


def profile_days(store: LoopStore, interval: Interval) -> int:
    """Profile the days of an interval and return how many profiles were written; the same rows, the same profiles.

    The bins of a numeric column are set once, by the quantiles of the rows first profiled, so that days can be merged.
    """
    rows = store.read("predictions", filters=[("day", "in", interval.days)])
    if rows.num_rows == 0:
        return 0
    days = np.array(rows.column("day").to_pylist())
    found = watched(store.loop, rows)
    edges = _known_edges(store)
    profiles: list[Profile] = []
    for name, values in found.numeric.items():
        bins = edges.get(name) or bin_edges(values)
        profiles += [numeric_profile(day, name, values[days == day], bins) for day in np.unique(days)]
    for name, labels in found.categorical.items():
        array = np.array(labels, dtype=object)
        profiles += [categorical_profile(day, name, list(array[days == day])) for day in np.unique(days)]
    store.replace_where("profiles", rows_of(store.loop, "profiles", profiles), "day", interval.days)
    return len(profiles)


def bin_edges(values: NDArray[np.float64]) -> list[float]:
    """Return edges at the quantiles of the finite values, the outer ones infinite; fewer where values repeat.

    Examples
    --------
    >>> bin_edges(np.array([1.0, 1.0, 1.0]))
    [-inf, 1.0, inf]
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return [-np.inf, np.inf]
    inner = np.unique(np.quantile(finite, np.linspace(0, 1, BINS + 1)[1:-1]))
    return [-np.inf, *inner.tolist(), np.inf]


def numeric_profile(day: str, column: str, values: NDArray[np.float64], edges: list[float]) -> Profile:
    """Return the profile of numbers: counts per bin ``[low, high)``, missing values, sum and sum of squares."""
    finite = values[np.isfinite(values)]
    counts = np.bincount(np.searchsorted(edges[1:-1], finite, side="right"), minlength=len(edges) - 1)
    return {
        "day": str(day), "column": column, "kind": "numeric", "rows": int(values.size),
        "nulls": int(values.size - finite.size), "edges": edges, "counts": counts.tolist(), "categories": None,
        "total": float(finite.sum()), "total_squared": float((finite**2).sum()),
    }  # fmt: skip


def categorical_profile(day: str, column: str, labels: list[str | None]) -> Profile:
    """Return the profile of categories, in name order; beyond the first thousand they are counted together."""
    present = [label for label in labels if label is not None]
    names, counts = np.unique(np.array(present, dtype=str), return_counts=True)
    kept = dict(zip(names[:MOST_CATEGORIES].tolist(), counts[:MOST_CATEGORIES].tolist(), strict=True))
    if names.size > MOST_CATEGORIES:
        kept[OTHER] = int(counts[MOST_CATEGORIES:].sum())
    return {
        "day": str(day), "column": column, "kind": "categorical", "rows": len(labels),
        "nulls": len(labels) - len(present), "edges": None, "counts": list(kept.values()),
        "categories": list(kept), "total": None, "total_squared": None,
    }  # fmt: skip


def merged(profiles: Iterable[Mapping[str, Any]]) -> Profile:
    """Return the profile of the union of the days' rows, all of one column.

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
    if any(list(part["edges"]) != list(first["edges"]) for part in parts):
        msg = f"{first['column']}: got profiles with different bins, expected the same in all"
        raise ValueError(msg)
    result["counts"] = np.sum([part["counts"] for part in parts], axis=0).tolist()
    return result | {name: float(sum(part[name] for part in parts)) for name in ("total", "total_squared")}


def counts_by_category(profiles: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how often each category occurs in all profiles together, in name order."""
    counts: dict[str, int] = {}
    for profile in profiles:
        for name, count in zip(profile["categories"], profile["counts"], strict=True):
            counts[name] = counts.get(name, 0) + count
    return dict(sorted(counts.items()))


def _known_edges(store: LoopStore) -> dict[str, list[float]]:
    rows = store.read("profiles", columns=["column", "edges"], filters=[("kind", "=", "numeric")])
    return dict(zip(rows.column("column").to_pylist(), rows.column("edges").to_pylist(), strict=True))
