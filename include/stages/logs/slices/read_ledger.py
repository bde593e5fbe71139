"""The ledger of what was read: a file is read once, and only what was appended to it is read again."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.digests import digest_of
from include.foundation.errors import ObjectChangedError
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access, LogFile
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter, scan
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice, cut_up, edges, expanded, is_divisible
from include.stages.logs.slices.queries import QUERY

BYTES_A_LINE = 500  # where no file of an interval can tell
RULES = 2  # raise it when the rules of reading change: every file in the look-back is then read anew


@dataclass(frozen=True)
class Counts:
    """How many lines there were, and what became of them: ``rows`` in the interval, ``late`` before and ``early`` after it."""

    lines: int = 0
    rows: int = 0
    late: int = 0
    early: int = 0
    duplicates: int = 0
    refused: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTS))


COUNTS = tuple(one.name for one in fields(Counts))


@dataclass(frozen=True)
class Entry:
    """A slice that was read: a row of the table ``files_read``, whose columns `include.foundation.store.schemas` describes."""

    kind: str
    name: str
    fingerprint: str
    reader: str
    start_byte: int
    end_byte: int
    edges: str | None
    written_at: datetime
    interval_start: datetime
    interval_end: datetime
    counts: Counts
    table_version: int | None = None
    table_rows: int | None = None

    @classmethod
    def of_slice(cls, pull: Pull, file_slice: Slice, read_edges: str | None, counts: Counts) -> "Entry":
        """Return the entry of a slice.

        Parameters
        ----------
        pull
            What read it.
        file_slice
            The slice.
        read_edges
            Its `edges_of`, from before it was read.
        counts
            What became of its lines.
        """
        file, interval = file_slice.file, pull.interval
        return cls(
            kind=pull.kind,
            name=file.name,
            fingerprint=file.fingerprint,
            reader=reader_digest(pull),
            start_byte=file_slice.start,
            end_byte=file_slice.end,
            edges=read_edges,
            written_at=file.written_at,
            interval_start=interval.start,
            interval_end=interval.end,
            counts=counts,
        )

    @property
    def weight(self) -> int:
        """Bytes that were read, compressed ones counted for what they become."""
        return expanded(self.name, self.end_byte - self.start_byte)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Entry":
        """Return the entry in a row of the table."""
        counts = Counts(**{name: row[name] for name in COUNTS})
        return cls(**{one.name: row[one.name] for one in fields(cls) if one.name != "counts"}, counts=counts)

    def to_row(self) -> dict[str, Any]:
        """Return the row of the table."""
        row: dict[str, Any] = {**vars(self), **vars(self.counts)}
        del row["counts"]
        return row


def reader_digest(pull: Pull) -> str:
    """Return the digest of what decides how a line is read: with another one, files are read anew."""
    loop = pull.loop
    if pull.kind == "feedback":
        return digest_of(RULES, loop.feedback.model_dump(include={"format", "columns", "consent"}))
    inputs = {name: item.model_dump() for name, item in loop.inputs.items()}
    classes = Taxonomy.of(loop.task)
    return digest_of(
        RULES,
        classes.classes,
        sorted(classes.meanings.items()),
        inputs,
        loop.segments,
        loop.logs.format,
        loop.logs.columns,
    )


def window_of(pull: Pull) -> Interval:
    """Return the interval with its look-back, and with all that no pull has looked at since the one before it."""
    dataset, latest = pull.store.dataset("files_read"), pull.interval.start
    if dataset is None:
        return pull.window
    earlier: Filter = [("kind", "=", pull.kind), ("interval_end", "<=", latest)]
    ends = [pc.max(batch.column(0)).as_py() for batch in scan(dataset, ["interval_end"], earlier) if batch.num_rows]
    start = max(ends, default=latest)
    return replace(pull.interval, start=start).widened(pull.loop.logs.look_back_hours)


def names_read(pull: Pull) -> set[str]:
    """Return the names of all files that were ever read."""
    dataset = pull.store.dataset("files_read")
    batches = [] if dataset is None else scan(dataset, ["name"], [("kind", "=", pull.kind)])
    return {name for batch in batches for name in batch.column(0).to_pylist()}


def unread_slices(pull: Pull, files: Iterable[LogFile], written_after: datetime) -> list[Slice]:
    """Return what was not read yet of files, cut into slices of at most ``logs.partition_mb``.

    Parameters
    ----------
    pull
        What is going to read them.
    files
        The files.
    written_after
        Aware datetime; none of the files was written before it.

    Raises
    ------
    StoreError
        If a table that the lines go to cannot be opened; no file is opened then.
    """
    for name in ("quarantine", "feedback" if pull.kind == "feedback" else "predictions"):
        pull.store.open_table(name)
    past = _entries_by_name(pull, [("reader", "=", reader_digest(pull)), ("written_at", ">=", written_after)])
    size = pull.loop.logs.partition_mb << 20
    return [
        file_slice
        for file in files
        if (gaps := _gaps(file, past.get(file.name, []), pull.access))
        for file_slice in cut_up(file, gaps, size)
    ]


def edges_of(file_slice: Slice, access: Access) -> str | None:
    """Return the edges of what is about to be read: whoever rewrites the file from now on changes them, and it is read anew.

    None of a file that has been rewritten or has gone since it was listed.
    """
    if not is_divisible(file_slice.file.name):
        return None
    if not file_slice.is_unchanged():
        path = Path(file_slice.file.uri)
        if not path.exists() or path.stat().st_size <= file_slice.file.size:
            return None
    with contextlib.suppress(ObjectChangedError):
        return edges(file_slice.file, file_slice.end, access)
    return None


def were_read_before(pull: Pull, slices: Sequence[Slice]) -> list[bool]:
    """Tell of each slice whether its bytes were read before, with other contents or rules; of a query, whether at all."""
    reader = reader_digest(pull)
    past = _entries_by_name(pull, [("name", "in", sorted({file_slice.file.name for file_slice in slices}))])
    return [
        any(
            entry.fingerprint == QUERY
            or (
                entry.end_byte > file_slice.start
                and (entry.fingerprint, entry.reader) != (file_slice.file.fingerprint, reader)
            )
            for entry in past.get(file_slice.file.name, [])
        )
        for file_slice in slices
    ]


def note_read(store: LoopStore, entries: Iterable[Entry]) -> None:
    """Write down what was read, after its rows are in the tables: killed before, the same slices are read again.

    The answer of a query may change, so its entry is replaced.
    """
    version, there = rows_in_log(store, "predictions")
    noted = [replace(entry, table_version=version, table_rows=there) for entry in entries]
    rows = rows_of(store.loop, "files_read", [entry.to_row() for entry in noted])
    if rows.num_rows == 0:
        return
    if set(rows.column("fingerprint").to_pylist()) == {QUERY}:
        store.update_rows("files_read", rows)
        return
    oldest = min(rows.column("written_at").to_pylist())
    kind = rows.column("kind")[0].as_py()
    store.append_new("files_read", rows, [("kind", "=", kind), ("written_at", ">=", oldest)])


def rows_in_log(store: LoopStore, name: str, version: int | None = None) -> tuple[int | None, int]:
    """Return a version of a table and how many rows its log has then; None and 0 without a table.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        Of the table.
    version
        The newest by default.
    """
    table = store.open_table(name, version)
    if table is None:
        return None, 0
    rows = pa.table(table.get_add_actions(flatten=True)).column("num_records")
    return int(table.version()), pc.sum(rows).as_py() or 0


def read_in(store: LoopStore, kind: str, interval: Interval) -> list[Entry]:
    """Return what the runs of an interval read.

    Parameters
    ----------
    store
        Tables of the loop.
    kind
        ``logs`` or ``feedback``.
    interval
        The data interval.
    """
    of_interval: Filter = [("interval_start", "=", interval.start), ("interval_end", "=", interval.end)]
    rows = store.read("files_read", filters=[("kind", "=", kind), *of_interval])
    return [Entry.from_row(row) for row in rows.to_pylist()]


def lines_lost_with(store: LoopStore, interval: Interval, damaged: Set[str]) -> int:
    """Return how many lines are not counted of files that could not be read to their end: by their size, and what lines take.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its runs read the files.
    damaged
        Names of these files.
    """
    entries = read_in(store, "logs", interval)
    current = [
        one for one in entries if not any(_supersedes(other, one) for other in entries if other.name == one.name)
    ]
    whole = [entry for entry in current if entry.name not in damaged]
    lines, size = sum(entry.counts.lines for entry in whole), sum(entry.weight for entry in whole)
    bytes_a_line = size / lines if lines and size else BYTES_A_LINE
    broken = [entry for entry in current if entry.name in damaged]
    return sum(max(0, round(entry.weight / bytes_a_line) - entry.counts.lines) for entry in broken)


def _entries_by_name(pull: Pull, filters: Filter) -> dict[str, list[Entry]]:
    entries = defaultdict(list)
    for row in pull.store.read("files_read", filters=[("kind", "=", pull.kind), *filters]).to_pylist():
        entries[row["name"]].append(Entry.from_row(row))
    return entries


def _gaps(file: LogFile, past: Sequence[Entry], access: Access) -> list[tuple[int, int]]:
    """Return the byte ranges of a file that were not read."""
    past = [entry for entry in past if not any(_supersedes(other, entry) for other in past)]
    same = [entry for entry in past if entry.fingerprint == file.fingerprint]
    if not is_divisible(file.name):
        return [] if same else _holes([], file.size)
    holes = _holes(same, file.size)
    first_unread = _appended_from(file, past, access) if holes and past else 0
    return [(max(start, first_unread), end) for start, end in holes if end > first_unread]


def _supersedes(later: Entry, entry: Entry) -> bool:
    """Tell whether the file was rewritten after an entry, and read anew: if it is what it was before, it is read once more."""
    overlap = later.start_byte < entry.end_byte and entry.start_byte < later.end_byte
    return overlap and later.written_at > entry.written_at


def _holes(entries: Sequence[Entry], size: int) -> list[tuple[int, int]]:
    """Return the byte ranges up to a size that no entry covers."""
    holes, place = [], 0
    for entry in sorted(entries, key=lambda entry: entry.start_byte):
        if entry.start_byte > place:
            holes.append((place, entry.start_byte))
        place = max(place, entry.end_byte)
    return [*holes, (place, size)] if place < size else holes


def _appended_from(file: LogFile, past: Sequence[Entry], access: Access) -> int:
    """Return how much of a file was read before, however often it was appended to since; 0 if it was rewritten."""
    place = 0
    for entry in sorted(past, key=lambda entry: entry.end_byte):
        end = entry.end_byte
        of_one_state = [other for other in past if other.fingerprint == entry.fingerprint and other.end_byte <= end]
        is_whole = all(hole_end <= place for _, hole_end in _holes(of_one_state, end))
        if place < end <= file.size and is_whole and entry.edges == edges(file, end, access):
            place = end
    return place
