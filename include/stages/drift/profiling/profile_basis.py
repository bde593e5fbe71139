"""The bins and vocabularies that all profiles of a loop share: the rows first profiled fix them for good."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc

from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.columns import text_columns
from include.stages.drift.profiling.vocabulary import VOCABULARY_KIND, WORD_BUCKETS, Vocabulary, add_words

NO_BINS = [-np.inf, np.inf]


def _no_edges(_: str) -> list[float] | None:
    return None


@dataclass(frozen=True)
class ProfileBasis:
    """What profiles must have in common to be merged.

    Attributes
    ----------
    edges
        Bin edges by numeric column; a column's first values add its own.
    vocabularies
        By text column.
    find_edges
        Returns the edges of a column that ``edges`` lacks; None if the column never had a value.
    """

    edges: dict[str, list[float]]
    vocabularies: dict[str, Vocabulary]
    find_edges: Callable[[str], list[float] | None] = _no_edges


def stored_basis(store: LoopStore) -> ProfileBasis:
    """Return the bins and vocabularies of the profiles stored so far.

    The edges are those of the newest day alone, which is usually enough; ``find_edges`` looks through all days.
    """
    days = store.days("profiles")
    vocabularies: dict[str, Vocabulary] = {}
    if days and text_columns(store.loop):
        rows = store.read("profiles", columns=["day", "column", "counts"], filters=[("kind", "=", VOCABULARY_KIND)])
        for row in rows.to_pylist():
            column = row["column"].removesuffix(f":{VOCABULARY_KIND}")
            vocabularies.setdefault(column, Vocabulary(row["day"], np.array(row["counts"])))
    return ProfileBasis(_edges(store, [("day", "in", days[-1:])]), vocabularies, partial(_edges_of, store))


def learn_words(store: LoopStore, day: str, vocabularies: dict[str, Vocabulary], dataset: Any) -> None:
    """Add the vocabularies that are still missing, from a day's texts; a day without words adds none.

    Parameters
    ----------
    store
        Tables of the loop.
    day
        ``YYYY-MM-DD``.
    vocabularies
        By text column; changed in place.
    dataset
        Files of the table ``predictions``; None opens it.
    """
    for column in text_columns(store.loop):
        if column in vocabularies:
            continue
        texts = np.zeros(WORD_BUCKETS, dtype=np.int64)
        for batch in day_batches(store, "predictions", day, [column], dataset=dataset):
            add_words(texts, batch.column(column))
        if texts.any():
            vocabularies[column] = Vocabulary(day, texts)


def _edges_of(store: LoopStore, column: str) -> list[float] | None:
    return _edges(store, [("column", "=", column)]).get(column)


def _edges(store: LoopStore, where: Filter) -> dict[str, list[float]]:
    """Return the edges of the numeric columns that had a value."""
    filters = [("kind", "=", "numeric"), ("segment", "=", ALL_ROWS), *where]
    rows = store.read("profiles", columns=["column", "edges"], filters=filters)
    rows = rows.filter(pc.greater(pc.list_value_length(rows.column("edges")), len(NO_BINS)))
    return dict(zip(rows.column("column").to_pylist(), rows.column("edges").to_pylist(), strict=True))
