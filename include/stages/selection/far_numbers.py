"""Numbers so far from all others that beside them all others would look alike, found batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.stages.selection.row_keys import Keys

TAIL, FAR = 10, 1000  # widths of the middle half from the median
LARGEST = 1e140  # squares of which can be added up
SAMPLE = 1 << 15  # rows, drawn at random, that say where the middle is
MOST = 100  # numbers on either side that are looked at
Array = NDArray[np.float64]


def middle_range(array: Array, times: float) -> tuple[Array, Array]:
    """Return the numbers that are so many times the width of a column's middle half away from its median, on either side.

    Parameters
    ----------
    array
        float64, (rows, columns); NaN is missing.
    times
        How many times.
    """
    known = np.where(np.isnan(array).all(axis=0), 0.0, np.clip(array, -LARGEST, LARGEST))
    first, middle, third = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
    reach = times * np.where(third > first, third - first, np.maximum(np.abs(middle), 1.0))
    return middle - reach, middle + reach


@dataclass(frozen=True)
class FarNumbers:
    """What is kept of a column to tell which of its numbers are far out.

    Attributes
    ----------
    places, sample
        The rows that come first in a random order: their keys, uint64, and numbers, float64, both (rows,).
    ids, extremes
        Trace ids and numbers of the largest and of the smallest numbers.
    """

    places: Keys
    sample: Array
    ids: tuple[str, ...]
    extremes: Array

    @classmethod
    def of(cls, rows: pa.Table, column: str, places: Keys) -> "FarNumbers":
        """Return what is kept of some rows.

        Parameters
        ----------
        rows
            Have trace ids.
        column
            Of numbers.
        places
            Keys that order the rows at random, uint64, (n,).
        """
        values = rows.column(column).to_numpy().astype(np.float64)
        known = np.flatnonzero(~np.isnan(values))
        outer = known[_outer(values[known])]
        ids = rows.column("trace_id").take(pa.array(outer)).to_pylist()
        return cls(places, values, tuple(ids), values[outer])._bounded()

    def merged(self, others: Sequence["FarNumbers"]) -> "FarNumbers":
        """Return what is kept of all."""
        every = [self, *others]
        return FarNumbers(
            np.concatenate([each.places for each in every]),
            np.concatenate([each.sample for each in every]),
            tuple(trace_id for each in every for trace_id in each.ids),
            np.concatenate([each.extremes for each in every]),
        )._bounded()

    def far_out(self) -> list[str]:
        """Return the trace ids of the numbers that are far out, of at most a hundred on either side, in their order."""
        if not self.sample.size:
            return []
        low, high = middle_range(self.sample[:, None], FAR)
        is_far = (self.extremes < low) | (self.extremes > high)
        return sorted(self.ids[place] for place in np.flatnonzero(is_far))

    def _bounded(self) -> "FarNumbers":
        first = np.argsort(self.places, kind="stable")[:SAMPLE] if self.places.size > SAMPLE else slice(None)
        outer = _outer(self.extremes)
        ids = tuple(self.ids[place] for place in outer.tolist())
        return FarNumbers(self.places[first], self.sample[first], ids, self.extremes[outer])


def _outer(values: Array) -> NDArray[np.int64]:
    """Return where the largest and the smallest numbers are."""
    if values.size <= 2 * MOST:
        return np.arange(values.size)
    order = np.argsort(values, kind="stable")
    return np.concatenate([order[:MOST], order[-MOST:]])
