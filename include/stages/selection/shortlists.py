"""Bounded sets of rows that are made part by part and merged in any order: the best of each content, and the first of all."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.stages.selection.row_keys import Keys

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Shortlist:
    """The best rows, best first: at most so many, and one of each content.

    Attributes
    ----------
    capacity
        Most rows, above 0.
    rows
        Rows of ``predictions``.
    scores
        float64, (n,), larger is better.
    places
        uint64, (n,): of rows with the same score, the one with the smaller key is better.
    contents
        uint64, (n,), equal for the same inputs.
    is_cut
        Whether another row was worse than all of them.
    """

    capacity: int
    rows: pa.Table
    scores: Scores
    places: Keys
    contents: Keys
    is_cut: bool = False

    def merged(self, others: Sequence["Shortlist"]) -> "Shortlist":
        """Return the best rows of all; it does not matter which are merged first."""
        every = [self, *(other.entering(self) for other in others)]
        scores, places, contents = (
            np.concatenate([getattr(each, name) for each in every]) for name in ("scores", "places", "contents")
        )
        order = np.lexsort((places, -scores))
        _, first = np.unique(contents[order], return_index=True)
        distinct = order[np.sort(first)]
        kept, is_cut = distinct[: self.capacity], distinct.size > self.capacity or any(each.is_cut for each in every)
        rows = pa.concat_tables([each.rows for each in every]).take(pa.array(kept))
        return Shortlist(self.capacity, rows, scores[kept], places[kept], contents[kept], is_cut)

    def entering(self, full: "Shortlist") -> "Shortlist":
        """Return the rows that may be among the best of another list and these."""
        if len(full.scores) < full.capacity:
            return self
        last, place = full.scores[-1], full.places[-1]
        may = np.flatnonzero((self.scores > last) | ((self.scores == last) & (self.places <= place)))
        return replace(self.at(may), is_cut=self.is_cut or may.size < len(self.scores))

    def at(self, positions: NDArray[np.int64]) -> "Shortlist":
        """Return the rows at some positions, in their order."""
        if positions.size == len(self.scores):
            return self
        rows = self.rows.take(pa.array(positions))
        return replace(
            self, rows=rows, scores=self.scores[positions], places=self.places[positions],
            contents=self.contents[positions],
        )  # fmt: skip


@dataclass(frozen=True)
class FirstRows:
    """The rows that come first in a random order, of each value of a segment.

    Attributes
    ----------
    n
        How many of each value; of all together, if there are more values.
    segment
        A column of the rows; None if all rows count as of one value.
    rows
        Rows of ``predictions``, in the order.
    places
        uint64, (rows,), which orders them.
    sizes
        How many rows each value has, those that are left out among them.
    """

    n: int
    segment: str | None
    rows: pa.Table
    places: Keys
    sizes: Counter[Hashable] = field(default_factory=Counter)

    @classmethod
    def of(cls, n: int, segment: str | None, rows: pa.Table, places: Keys) -> "FirstRows":
        """Return the first of some rows.

        Parameters
        ----------
        n, segment, rows, places
            As in the class; the rows in any order.
        """
        sizes: Counter[Hashable] = Counter({None: rows.num_rows} if rows.num_rows else {})
        if segment is not None:
            counted: Sequence[dict[str, Any]] = pc.value_counts(rows.column(segment)).to_pylist()
            sizes = Counter({each["values"]: each["counts"] for each in counted})
        return cls(n, segment, rows, places, sizes)._bounded()

    def merged(self, others: Sequence["FirstRows"]) -> "FirstRows":
        """Return the first rows of all."""
        every = [self, *others]
        rows, places = pa.concat_tables([each.rows for each in every]), np.concatenate([each.places for each in every])
        sizes = sum((each.sizes for each in every), Counter[Hashable]())
        return FirstRows(self.n, self.segment, rows, places, sizes)._bounded()

    def _bounded(self) -> "FirstRows":
        if self.segment is None or len(self.sizes) > self.n:
            first = np.argpartition(self.places, self.n)[: self.n] if self.n < len(self.places) else slice(None)
            order = np.arange(len(self.places))[first]
            order = order[np.argsort(self.places[order], kind="stable")]
        else:
            order = np.argsort(self.places, kind="stable")
            codes = self.rows.column(self.segment).combine_chunks().dictionary_encode(null_encoding="encode").indices
            values = codes.to_numpy()[order]
            by_value = np.argsort(values, kind="stable")
            begins = np.searchsorted(values[by_value], values[by_value])
            order = order[np.sort(by_value[np.arange(len(order)) - begins < self.n])]
        return replace(self, rows=self.rows.take(pa.array(order)), places=self.places[order])
