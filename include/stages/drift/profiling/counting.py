"""Counts the values of one column, batch by batch: of all rows together and of each segment value."""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.stages.drift.profiling.binning import Binning
from include.stages.drift.profiling.column_profile import Counts

MOST_CATEGORIES = 1000
BUCKETS = 256
BUCKET_PREFIX = "__names_"
LARGEST = 1e140  # what a larger number counts as in sums: their squares, of any number of rows, have one too
BLOCK = 1 << 15  # values that stay in the processor's cache
Codes = NDArray[np.intp]
Groups = Sequence[Codes | None]


class NumberCounts:
    """Counts per bin, sum and sum of squares of finite numbers; numbers that are not finite are not counted.

    Parameters
    ----------
    edges
        k + 1 bin edges, the outer ones infinite.
    sizes
        Number of groups of each grouping of the rows.
    """

    def __init__(self, edges: list[float], sizes: Sequence[int]) -> None:
        self._binning = Binning(edges)
        self._counts = [np.zeros((size, len(edges) - 1), dtype=np.int64) for size in sizes]
        self._sums = [np.zeros((2, size)) for size in sizes]

    def add(self, values: NDArray[np.float64], groups: Groups) -> None:
        """Count the values of a batch, (n,); each grouping holds the group of each row, (n,), or is None: all in one group."""
        for start in range(0, values.size, BLOCK):
            block = slice(start, start + BLOCK)
            self._add_block(values[block], [None if codes is None else codes[block] for codes in groups])

    def of_group(self, grouping: int, group: int) -> Counts:
        """Return the counts of one group of one grouping, both counted from 0."""
        counts = self._counts[grouping][group]
        total, squared = self._sums[grouping][:, group].tolist()
        return Counts("numeric", counts.tolist(), self._binning.edges, total, squared)

    def _add_block(self, values: NDArray[np.float64], groups: Groups) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            summed, squared = values, np.einsum("i,i", values, values)
            if not np.isfinite(squared):
                finite = np.isfinite(values)
                values, groups = values[finite], [None if codes is None else codes[finite] for codes in groups]
                summed = np.clip(values, -LARGEST, LARGEST)
                squared = np.einsum("i,i", summed, summed)
            cells = self._binning.cells(values)
            for number, codes in enumerate(groups):
                counts, sums = self._counts[number], self._sums[number]
                if codes is None:
                    counts[0] += self._binning.counts(cells)
                    sums[:, 0] += summed.sum(), squared
                else:
                    np.add(counts, _counts_by_group(codes, self._binning.bin_of_cell[cells], counts.shape), out=counts)
                    sums[0] += np.bincount(codes, summed, len(counts))
                    sums[1] += np.bincount(codes, summed * summed, len(counts))


class CategoryCounts:
    """Counts per category or, if there are too many categories, per bucket of their names.

    Parameters
    ----------
    sizes
        Number of groups of each grouping of the rows.
    most
        Categories that are counted by name; with more of them, all are counted by bucket.

    Notes
    -----
    A name's bucket depends on the name alone. So the counts of many categories are bounded, and still merge exactly.
    """

    def __init__(self, sizes: Sequence[int], most: int = MOST_CATEGORIES) -> None:
        self._most = most
        self._places: dict[str, int] = {}
        self._in_buckets = False
        self._counts = [np.zeros((size, 64), dtype=np.int64) for size in sizes]

    def add(self, values: pa.DictionaryArray, groups: Groups) -> None:
        """Count the categories of a batch, (n,), without nulls; ``groups`` is that of `NumberCounts.add`."""
        codes = values.indices
        if codes.null_count:
            is_valid = codes.is_valid().to_numpy(zero_copy_only=False)
            codes = codes.drop_null()
            groups = [None if of_row is None else of_row[is_valid] for of_row in groups]
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
                counts += _counts_by_group(of_row, places[codes], counts.shape)

    def of_group(self, grouping: int, group: int) -> Counts:
        """Return the counts of one group of one grouping, by name."""
        counts = self._counts[grouping][group]
        by_name = {name: int(counts[place]) for name, place in sorted(self._places.items()) if counts[place]}
        return Counts("categorical", list(by_name.values()), categories=list(by_name))

    def most_frequent(self, most: int) -> list[str]:
        """Return the most frequent names of the first group, ties by name; none if buckets are counted."""
        if self._in_buckets:
            return []
        counts = self._counts[0][0]
        return sorted(self._places, key=lambda name: (-counts[self._places[name]], name))[:most]

    def _places_of(self, names: list[str]) -> Codes:
        """Return the column of each name in the counts; a new name gets a new column."""
        if not self._in_buckets and len(self._places.keys() | names) > self._most:
            self._switch_to_buckets()
        if self._in_buckets:
            names = [bucket_of(name) for name in names]
        places = np.array([self._places.setdefault(name, len(self._places)) for name in names], dtype=np.intp)
        self._counts = [_widened(counts, len(self._places)) for counts in self._counts]
        return places

    def _switch_to_buckets(self) -> None:
        """Add the counts by name up to counts by bucket."""
        self._in_buckets = True
        names, self._places = list(self._places), {}
        by_name, self._counts = self._counts, [np.zeros((len(counts), BUCKETS), np.int64) for counts in self._counts]
        places = self._places_of(names)
        for by_bucket, counts in zip(self._counts, by_name, strict=True):
            for place, column in zip(places, counts.T, strict=False):
                by_bucket[:, place] += column


def bucket_of(name: str) -> str:
    """Return the bucket of a name; that of a bucket is the bucket itself.

    Examples
    --------
    >>> bucket_of("earn"), bucket_of(bucket_of("earn"))
    ('__names_11', '__names_11')
    """
    return name if is_bucket(name) else f"{BUCKET_PREFIX}{zlib.crc32(name.encode()) % BUCKETS:02x}"


def is_bucket(name: str) -> bool:
    """Tell whether a name is that of a bucket."""
    return name.startswith(BUCKET_PREFIX)


def counts_by_bucket(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by name or by bucket, added up to counts by bucket, in order."""
    by_bucket: dict[str, int] = {}
    for name, count in counts.items():
        by_bucket[bucket_of(name)] = by_bucket.get(bucket_of(name), 0) + count
    return dict(sorted(by_bucket.items()))


def bounded(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by name, in order; by bucket if some already are, or if there are more than a thousand names."""
    if len(counts) > MOST_CATEGORIES or any(is_bucket(name) for name in counts):
        return counts_by_bucket(counts)
    return dict(sorted(counts.items()))


def _counts_by_group(groups: Codes, places: Codes, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how many rows of each group are at each place, (groups, places)."""
    size, width = shape
    return np.bincount(groups * width + places, minlength=size * width).reshape(size, width)


def _widened(counts: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    missing = width - counts.shape[1]
    return counts if missing <= 0 else np.pad(counts, ((0, 0), (0, max(missing, counts.shape[1]))))
