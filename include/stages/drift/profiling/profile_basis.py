"""The bins and vocabularies that profiles share, so that the counts of days can be merged and compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc

from include.foundation.config.data_sections import WATCHED_DAYS
from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.column_profile import NO_BINS
from include.stages.drift.profiling.columns import text_columns
from include.stages.drift.profiling.vocabulary import OF, WORD_BUCKETS, Vocabulary, add_words

FOLDER = "vocabularies"
AT_ONCE = 32  # days, in the look for the bins of a column


def _no_edges(_: str) -> list[float] | None:
    return None


@dataclass(frozen=True)
class ProfileBasis:
    """What profiles must have in common to be merged.

    Attributes
    ----------
    edges
        Bin edges by numeric column; they are fixed for good by the first day with enough values.
    vocabularies
        By text column.
    find_edges
        Returns the edges of a column that ``edges`` lacks; None if it has none yet.
    """

    edges: dict[str, list[float]]
    vocabularies: dict[str, list[Vocabulary]]
    find_edges: Callable[[str], list[float] | None] = _no_edges


def stored_basis(store: LoopStore) -> ProfileBasis:
    """Return the bins and vocabularies of the profiles stored so far.

    The edges are those of the newest day alone, which is usually enough; ``find_edges`` looks through the days before it, once.
    """
    vocabularies = {column: _stored_vocabularies(store, column) for column in text_columns(store.loop)}
    days = store.days("profiles")
    return ProfileBasis(_edges(store, days[-1:]), vocabularies, _EarlierEdges(store, days[:-1]).of)


def learn_words(store: LoopStore, day: str, basis: ProfileBasis, dataset: Any) -> None:
    """Give each text column without a vocabulary, or with one that is too old, another one, as soon as there are enough texts.

    Parameters
    ----------
    store
        Tables of the loop; ``drift`` says how old a vocabulary may be and how many texts are enough.
    day
        ``YYYY-MM-DD``; its texts are learned first, those of days before it as long as there are too few.
    basis
        Changed in place.
    dataset
        Files of the table ``predictions`` of the day.

    Notes
    -----
    A rolling reference moves on, and so do the words that are ordinary: a new vocabulary is begun as often as a reference has
    passed. Days are profiled with the last two, so the new one takes over once the whole reference was profiled with it.
    """
    drift = store.loop.drift
    oldest = (date.fromisoformat(day) - timedelta(days=drift.reference_days + WATCHED_DAYS)).isoformat()
    for column in text_columns(store.loop):
        known = basis.vocabularies[column]
        if known and (drift.reference != "rolling" or known[-1].name > oldest):
            continue
        texts, days, count = np.zeros(WORD_BUCKETS, dtype=np.int64), [], 0
        for learned in _backwards(store, day, oldest):
            for batch in day_batches(
                store, "predictions", learned, [column], dataset=dataset if learned == day else None
            ):
                count += add_words(texts, batch.column(column))
            days.append(learned)
            if count >= drift.min_rows:
                vocabulary = Vocabulary(tuple(days), texts)
                write_file(store, f"{FOLDER}/{column}/{day}.json", vocabulary.to_bytes())
                basis.vocabularies[column] = [*known, vocabulary][-2:]
                break


def _backwards(store: LoopStore, day: str, oldest: str) -> Iterator[str]:
    yield day
    yield from sorted((other for other in store.days("predictions") if oldest <= other < day), reverse=True)


def _stored_vocabularies(store: LoopStore, column: str) -> list[Vocabulary]:
    """Return the vocabularies to profile days with: the last two, or the one that a fixed reference was profiled with."""
    drift = store.loop.drift
    names = [name for name in names_in(store, f"{FOLDER}/{column}") if name.endswith(".json")]
    if drift.reference == "rolling":
        wanted = names[-2:]
    else:
        last = drift.reference_dates[1].isoformat() if drift.reference_dates else ""
        wanted = ([name for name in names if name <= f"{last}.json"] or names[:1])[-1:]
    return [Vocabulary.from_bytes(read_file(store, f"{FOLDER}/{column}/{name}")) for name in wanted]


class _EarlierEdges:
    """The edges of some days, newest first, read no further back than is asked for."""

    def __init__(self, store: LoopStore, days: list[str]) -> None:
        self._store, self._days, self._edges = store, days, dict[str, list[float]]()

    def of(self, column: str) -> list[float] | None:
        begins = column.partition(OF)[2]  # what is measured with a vocabulary has no bins from before it
        while column not in self._edges and self._days and self._days[-1] >= begins:
            newest, self._days = self._days[-AT_ONCE:], self._days[:-AT_ONCE]
            self._edges = _edges(self._store, newest) | self._edges
        return self._edges.get(column)


def _edges(store: LoopStore, days: Sequence[str]) -> dict[str, list[float]]:
    """Return the edges of the numeric columns that have bins on some days."""
    filters: Filter = [("kind", "=", "numeric"), ("segment", "=", ALL_ROWS), ("day", "in", list(days))]
    rows = store.read("profiles", columns=["column", "edges"], filters=filters)
    rows = rows.filter(pc.greater(pc.list_value_length(rows.column("edges")), len(NO_BINS)))
    return dict(zip(rows.column("column").to_pylist(), rows.column("edges").to_pylist(), strict=True))
