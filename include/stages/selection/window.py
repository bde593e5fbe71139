"""An interval's rows, looked at once: what was served, what comes first at random, and the best of each nomination."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.intervals import Interval
from include.foundation.store.bulk.day_batches import by_row_group
from include.foundation.store.bulk.file_rows import conformed, opened_parquet
from include.foundation.store.tables import LoopStore
from include.stages.selection.far_numbers import FarNumbers
from include.stages.selection.nomination_kinds import Nomination, weighed
from include.stages.selection.row_keys import Keys, RowKeys
from include.stages.selection.shortlists import FirstRows, Shortlist
from include.stages.selection.uncertainty_scores import informativeness
from include.stages.selection.window_scores import TodaysProbabilities

NOT_READ = ("day", "source", "context", "metadata", "error")
ROWS = 1 << 15  # of a batch
AT_ONCE = 16  # batches that are merged, less than half of those before
IN_MEMORY = 1 << 26  # bytes of content keys; more are on disk


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a window.

    Attributes
    ----------
    drawn
        Rows that come first at random: of each value of the segment of `selection.quota`, so many.
    nominations
        Of which rows the best are wanted.
    capacity
        How many of each nomination, all of different contents.
    known
        uint64: contents that are not wanted.
    """

    drawn: int = 0
    nominations: Sequence[Nomination] = ()
    capacity: int = 0
    known: Keys = field(default_factory=lambda: np.empty(0, np.uint64))


@dataclass(frozen=True)
class Window:
    """What is kept of some rows of ``predictions``; two parts are merged into one, in any order.

    Attributes
    ----------
    rows
        How many rows there are.
    versions
        That answered them.
    unscored
        How many have no probabilities of today's classes.
    first
        The rows that come first at random.
    shortlists
        The best of each nomination.
    far
        What tells far numbers, by input.
    """

    rows: int
    versions: frozenset[str]
    unscored: int
    first: FirstRows
    shortlists: tuple[Shortlist, ...]
    far: dict[str, FarNumbers]

    def merged(self, others: Sequence["Window"]) -> "Window":
        """Return what is kept of all."""
        return Window(
            self.rows + sum(other.rows for other in others),
            self.versions.union(*(other.versions for other in others)),
            self.unscored + sum(other.unscored for other in others),
            self.first.merged([other.first for other in others]),
            tuple(
                mine.merged([other.shortlists[place] for other in others]) for place, mine in enumerate(self.shortlists)
            ),
            {name: far.merged([other.far[name] for other in others]) for name, far in self.far.items()},
        )

    def entering(self, full: "Window") -> "Window":
        """Return this part without rows that have no place on the shortlists of another one."""
        pairs = zip(self.shortlists, full.shortlists, strict=True)
        return replace(self, shortlists=tuple(mine.entering(theirs) for mine, theirs in pairs))

    def far_out(self) -> list[tuple[str, str]]:
        """Return trace id and input of each number so far from the middle that beside it all others would look alike."""
        return [(trace_id, name) for name, far in self.far.items() for trace_id in far.far_out()]


class WindowReader:
    """Reads the rows of an interval in batches, so that memory does not grow with them.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Whose rows are read.
    """

    def __init__(self, store: LoopStore, interval: Interval) -> None:
        self.interval, self._store, self._loop = interval, store, store.loop
        self.columns = pa.schema([field for field in store.schema("predictions") if field.name not in NOT_READ])
        self._keys = RowKeys(store.loop, (store.loop.selection.seed, interval.key))
        self._probabilities = TodaysProbabilities(store)
        self._contents: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - see `close`

    def read(self, wanted: Wanted) -> Window:
        """Return what is wanted of the rows."""
        window = self._part(self.columns.empty_table(), wanted)
        self._contents.seek(0)
        self._contents.truncate()
        parts: list[Window] = []
        for number, rows in enumerate(self._batches(), 1):
            parts.append(self._part(rows, wanted).entering(window))
            if len(parts) >= min(number / 2, AT_ONCE):
                window, parts = window.merged(parts), []
        return window.merged(parts)

    def close(self) -> None:
        """Forget what was read."""
        self._contents.close()

    def repeats(self, rows: pa.Table) -> list[bool]:
        """Return whether the content of each row is served more than once, the row itself counted."""
        contents = self._keys.of(rows)[1]
        known, places = np.unique(contents, return_inverse=True)
        counts = np.zeros(len(known), np.int64)
        for served in self._served_contents() if len(known) else ():
            at = np.minimum(np.searchsorted(known, served), len(known) - 1)
            counts += np.bincount(at[known[at] == served], minlength=len(known))
        moments = rows.column("ts")
        is_inside = pc.and_(
            pc.greater_equal(moments, self.interval.start), pc.less(moments, self.interval.end)
        ).to_pylist()
        return [bool(count + (not inside) > 1) for count, inside in zip(counts[places], is_inside, strict=True)]

    def contents_of(self, rows: pa.Table) -> Keys:
        """Return the content key, of this process, of each row."""
        return self._keys.of(rows)[1]

    def _served_contents(self) -> Iterator[Keys]:
        self._contents.seek(0)
        while part := self._contents.read(8 * ROWS):
            yield np.frombuffer(part, np.uint64)

    def _batches(self) -> Iterator[pa.Table]:
        start, end = self.interval.start, self.interval.end
        dataset = self._store.dataset("predictions", [("day", "in", self.interval.days)])
        for fragment in [] if dataset is None else dataset.get_fragments():
            with opened_parquet(dataset, fragment.path) as file:
                stored = [name for name in self.columns.names if name in file.schema_arrow.names]
                for batch in by_row_group(file, ROWS, stored):
                    moments = batch.column("ts")
                    is_inside = pc.and_(pc.greater_equal(moments, start), pc.less(moments, end))
                    rows = conformed(pa.table(batch), self.columns)
                    yield rows if pc.all(is_inside).as_py() else rows.filter(is_inside)

    def _part(self, rows: pa.Table, wanted: Wanted) -> Window:
        places, contents = self._keys.of(rows)
        self._contents.write(contents.tobytes())
        scores = informativeness(self._loop.selection.score, self._probabilities.of(rows))
        is_new = ~np.isin(contents, wanted.known) if wanted.known.size else np.full(rows.num_rows, True)
        quota = self._loop.selection.quota
        segment = None if quota is None else self._loop.segment_columns[quota.segment]
        ordering = weighed(self._loop, rows, scores)

        def best(nomination: Nomination) -> Shortlist:
            batch = Shortlist(wanted.capacity, rows, nomination.ranking(rows, ordering), places, contents)
            return batch.at(np.flatnonzero(nomination.among(rows) & is_new))

        return Window(
            rows.num_rows,
            frozenset(pc.unique(rows.column("model_version")).to_pylist()),
            int(np.isnan(scores).sum()),
            FirstRows.of(wanted.drawn, segment, rows, places),
            tuple(map(best, wanted.nominations)),
            self._numbers(rows, places),
        )

    def _numbers(self, rows: pa.Table, places: Keys) -> dict[str, FarNumbers]:
        names = [name for name, item in self._loop.inputs.items() if item.type == "numeric"]
        return {name: FarNumbers.of(rows, self._loop.input_columns[name], places) for name in names}
