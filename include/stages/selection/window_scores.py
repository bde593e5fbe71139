"""Probabilities of many rows at a time, as those of today's classes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.errors import ContractError
from include.foundation.store.ledgers.taxonomies import classes_by_taxonomy
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

Probabilities = NDArray[np.float64]


class TodaysProbabilities:
    """Reads the probabilities of predictions, whatever classes the loop had when they were logged.

    Parameters
    ----------
    store
        Tables of the loop.
    """

    def __init__(self, store: LoopStore) -> None:
        self._taxonomy = Taxonomy.of(store.loop.task)
        self._classes = classes_by_taxonomy(store) | {self._taxonomy.digest: list(self._taxonomy.classes)}

    def of(self, rows: pa.Table) -> Probabilities:
        """Return the probabilities of each row, float64, (n, classes); NaN where they, or their classes, are not known.

        Parameters
        ----------
        rows
            Of ``predictions``, with ``probabilities`` and ``taxonomy``.

        Raises
        ------
        ContractError
            If a row has fewer or more probabilities than classes.
        """
        column, taxonomies = rows.column("probabilities").combine_chunks(), rows.column("taxonomy")
        digests = pc.unique(taxonomies).to_pylist()
        if digests == [self._taxonomy.digest] and not column.null_count:
            return self._read(column, self._classes[digests[0]])
        chances = np.full((rows.num_rows, len(self._taxonomy.classes)), np.nan)
        for digest in digests:
            if digest in self._classes:
                is_of = pc.and_(pc.equal(taxonomies, digest), pc.is_valid(column))
                at = np.flatnonzero(pc.fill_null(is_of, False).to_numpy())
                chances[at] = self._read(column.take(pa.array(at)), self._classes[digest])
        return chances

    def _read(self, column: pa.Array, classes: list[str]) -> Probabilities:
        values = as_array(column, len(classes))
        if tuple(classes) == self._taxonomy.classes and not self._taxonomy.former:
            return values
        mixing = np.zeros((len(classes), len(self._taxonomy.classes)))
        for place, name in enumerate(classes):
            if (meaning := self._taxonomy.current(name)) is not None:
                mixing[place, self._taxonomy.classes.index(meaning)] = 1.0
        mixed: Probabilities = values @ mixing
        sums = mixed.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(mixed, sums, out=np.full_like(mixed, 1 / mixed.shape[1]), where=sums > 0))


def as_array(column: pa.Array | pa.ChunkedArray, classes: int) -> Probabilities:
    """Return a column of probabilities as float64, (n, classes); NaN where it is null.

    Parameters
    ----------
    column
        Lists of numbers.
    classes
        How many each has.

    Raises
    ------
    ContractError
        If a list has another length.
    """
    lengths = set(pc.unique(pc.list_value_length(column)).to_pylist()) - {None}
    if lengths - {classes}:
        raise ContractError(f"Got rows of {sorted(lengths)} probabilities, expected {classes}, one of each class")
    values: Probabilities = pc.list_flatten(column).to_numpy().reshape(-1, classes)
    if not column.null_count:
        return values
    chances = np.full((len(column), classes), np.nan)
    chances[pc.is_valid(column).to_numpy(zero_copy_only=False)] = values
    return chances
