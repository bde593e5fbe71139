"""The ledger of what was read: a file is read once, and only what was appended to it is read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice, expanded
from include.stages.logs.slices.queries import QUERY

BYTES_A_LINE = 500  # where no file of an interval can tell
RULES = 3  # raise it when the rules of reading change: every file in the look-back is then read anew


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
    if pull.kind == "shadow":
        return digest_of(RULES, "shadow")
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


def were_read_before(pull: Pull, slices: Sequence[Slice]) -> list[bool]:
    """Tell of each slice whether its bytes were read before, with other contents or rules; of a query, whether at all."""
    reader = reader_digest(pull)
    past = entries_by_name(pull, [("name", "in", sorted({file_slice.file.name for file_slice in slices}))])
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
    current = [one for one in entries if not any(supersedes(other, one) for other in entries if other.name == one.name)]
    whole = [entry for entry in current if entry.name not in damaged]
    lines, size = sum(entry.counts.lines for entry in whole), sum(entry.weight for entry in whole)
    bytes_a_line = size / lines if lines and size else BYTES_A_LINE
    broken = [entry for entry in current if entry.name in damaged]
    return sum(max(0, round(entry.weight / bytes_a_line) - entry.counts.lines) for entry in broken)


def entries_by_name(pull: Pull, filters: Filter) -> dict[str, list[Entry]]:
    """Return the entries that meet some conditions, by the name of their file."""
    entries = defaultdict(list)
    for row in pull.store.read("files_read", filters=[("kind", "=", pull.kind), *filters]).to_pylist():
        entries[row["name"]].append(Entry.from_row(row))
    return entries


def supersedes(later: Entry, entry: Entry) -> bool:
    """Tell whether the file was rewritten after an entry, and read anew: if it is what it was before, it is read once more."""
    overlap = later.start_byte < entry.end_byte and entry.start_byte < later.end_byte
    return overlap and later.written_at > entry.written_at
