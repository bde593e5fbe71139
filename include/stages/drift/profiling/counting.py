"""Counts of one column's values, batch by batch: of all rows together and of the rows of each segment."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.stages.drift.profiling.binning import Binning
from include.stages.drift.profiling.column_profile import Counts

MOST_CATEGORIES = 1000
BUCKETS = 256
BUCKET = "__names_"
BLOCK = 1 << 15  # values that stay in the processor's cache
Codes = NDArray[np.intp]
Groups = Sequence[Codes | None]


class NumberCounts:
    """Counts per bin, sum and sum of squares of finite numbers; what is not finite is not counted.

    Parameters
    ----------
    edges
        k + 1 bin edges, the outer ones infinite.
    sizes
        Groups of rows of each grouping.
    """

    def __init__(self, edges: list[float], sizes: Sequence[int]) -> None:
        self._binning = Binning(edges)
        self._counts = [np.zeros((size, len(edges) - 1), dtype=np.int64) for size in sizes]
        self._sums = [np.zeros((2, size)) for size in sizes]

    def add(self, values: NDArray[np.float64], groups: Groups) -> None:
        """Count the values of a batch, (n,); each grouping is the group of each row, or None for one group."""
        for start in range(0, values.size, BLOCK):
            block = slice(start, start + BLOCK)
            self._add_block(values[block], [None if codes is None else codes[block] for codes in groups])

    def of_group(self, grouping: int, group: int) -> Counts:
        """Return the counts of a group."""
        counts = self._counts[grouping][group]
        total, squared = self._sums[grouping][:, group].tolist()
        return Counts("numeric", counts.tolist(), self._binning.edges, total, squared)

    def _add_block(self, values: NDArray[np.float64], groups: Groups) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            if not np.isfinite(values.sum()):
                finite = np.isfinite(values)
                values, groups = values[finite], [None if codes is None else codes[finite] for codes in groups]
            cells = self._binning.cells(values)
            for number, codes in enumerate(groups):
                counts, sums = self._counts[number], self._sums[number]
                if codes is None:
                    counts[0] += self._binning.counts(cells)
                    sums[:, 0] += values.sum(), np.einsum("i,i", values, values)
                else:
                    np.add(counts, _tally(codes, self._binning.bin_of_cell[cells], *counts.shape), out=counts)
                    sums[0] += np.bincount(codes, values, len(counts))
                    sums[1] += np.bincount(codes, values * values, len(counts))


class CategoryCounts:
    """Counts per category; with too many categories, counts per bucket of names.

    Parameters
    ----------
    sizes
        Groups of rows of each grouping.
    most
        Categories from which on buckets are counted.

    Notes
    -----
    A bucket is a fixed function of the name, so that counts of many categories are bounded and still merge exactly.
    """

    def __init__(self, sizes: Sequence[int], most: int = MOST_CATEGORIES) -> None:
        self._most = most
        self._places: dict[str, int] = {}
        self._in_buckets = False
        self._counts = [np.zeros((size, 64), dtype=np.int64) for size in sizes]

    def add(self, values: pa.DictionaryArray, groups: Groups) -> None:
        """Count the categories of a batch, (n,); nulls are left out, groupings as in `NumberCounts.add`."""
        codes = values.indices
        if codes.null_count:
            there = codes.is_valid().to_numpy(zero_copy_only=False)
            codes = codes.drop_null()
            groups = [None if of_row is None else of_row[there] for of_row in groups]
        codes, names = codes.to_numpy(), values.dictionary
        if len(names) > MOST_CATEGORIES:
            used, codes = np.unique(codes, return_inverse=True)
            names = names.take(pa.array(used))
        places = self._places_of(names.to_pylist())
        for number, of_row in enumerate(groups):
            counts = self._counts[number]
            if of_row is None:
                np.add.at(counts[0], places, np.bincount(codes, minlength=places.size))
            else:
                counts += _tally(of_row, places[codes], *counts.shape)

    def of_group(self, grouping: int, group: int) -> Counts:
        """Return the counts of a group, in name order."""
        counts = self._counts[grouping][group]
        found = {name: int(counts[place]) for name, place in sorted(self._places.items()) if counts[place]}
        return Counts("categorical", list(found.values()), categories=list(found))

    def most_frequent(self, most: int) -> list[str]:
        """Return the most frequent names of the first group, ties by name; none if only buckets are counted."""
        if self._in_buckets:
            return []
        counts = self._counts[0][0]
        return sorted(self._places, key=lambda name: (-counts[self._places[name]], name))[:most]

    def _places_of(self, names: list[str]) -> Codes:
        """Return the column of each name in the counts, made if it is new."""
        if not self._in_buckets and len(self._places.keys() | names) > self._most:
            self._fold()
        if self._in_buckets:
            names = [bucket_of(name) for name in names]
        places = np.array([self._places.setdefault(name, len(self._places)) for name in names], dtype=np.intp)
        self._counts = [_widened(counts, len(self._places)) for counts in self._counts]
        return places

    def _fold(self) -> None:
        """Go over from names to buckets of names."""
        self._in_buckets = True
        names, self._places = list(self._places), {}
        old, self._counts = self._counts, [np.zeros((len(counts), BUCKETS), np.int64) for counts in self._counts]
        places = self._places_of(names)
        for counts, before in zip(self._counts, old, strict=True):
            for place, column in zip(places, before.T, strict=False):
                counts[:, place] += column


def bucket_of(name: str) -> str:
    """Return the bucket of a name; a bucket is its own.

    Examples
    --------
    >>> bucket_of("earn"), bucket_of(bucket_of("earn"))
    ('__names_11', '__names_11')
    """
    return name if in_bucket(name) else f"{BUCKET}{zlib.crc32(name.encode()) % BUCKETS:02x}"


def in_bucket(name: str) -> bool:
    """Tell whether a name stands for a bucket of names."""
    return name.startswith(BUCKET)


def in_buckets(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by bucket, in order, of counts by name or by bucket."""
    folded: dict[str, int] = {}
    for name, count in counts.items():
        folded[bucket_of(name)] = folded.get(bucket_of(name), 0) + count
    return dict(sorted(folded.items()))


def bounded(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by category in name order, by bucket if some are already or if there are more than a thousand."""
    if len(counts) > MOST_CATEGORIES or any(in_bucket(name) for name in counts):
        return in_buckets(counts)
    return dict(sorted(counts.items()))


def _tally(groups: Codes, places: Codes, size: int, width: int) -> NDArray[np.int64]:
    return np.bincount(groups * width + places, minlength=size * width).reshape(size, width)


def _widened(counts: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    missing = width - counts.shape[1]
    return counts if missing <= 0 else np.pad(counts, ((0, 0), (0, max(missing, counts.shape[1]))))
