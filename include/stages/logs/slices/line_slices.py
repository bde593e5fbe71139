"""What comes in small numbers, read line by line: slices that were not read yet, a chunk of lines at a time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from typing import Any

import pyarrow as pa

from include.foundation.intervals import moved
from include.foundation.lines.line_files import Line
from include.foundation.lines.records import records
from include.foundation.lines.sources import NotRead, files_and_others, told_others
from include.foundation.store.rows import rows_of
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice, without_unfinished_line
from include.stages.logs.slices.queries import is_query, query_slices, spooled
from include.stages.logs.slices.read_ledger import Counts, Entry, note_read, read_in
from include.stages.logs.slices.unread_slices import edges_of, unread_slices, window_of

CHUNK = 20_000
StoreLines = Callable[[Pull, Slice, Sequence[Line]], Counts]


def pull_lines(pull: Pull, store_lines: StoreLines) -> tuple[Counts, tuple[str, ...]]:
    """Store the lines that were not read yet; return the counts of what the interval's runs read, and what is not read.

    Parameters
    ----------
    pull
        Whose lines.
    store_lines
        Stores a chunk of lines, and counts what became of them.

    Raises
    ------
    ConfigError
        If the folder does not exist, or a query is refused.
    StoreError
        If files cannot be listed or read, or a table not be committed.
    """
    unread, others = _unread(pull)
    note_read(pull.store, [_read(pull, file_slice, store_lines) for file_slice in unread])
    counts = sum((entry.counts for entry in read_in(pull.store, pull.kind, pull.interval)), Counts())
    return counts, tuple(told_others(others))


def append_rows(pull: Pull, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Append the rows that are new, by their key and ``ts``, to the table of a pull, and return them.

    Parameters
    ----------
    pull
        Whose rows.
    rows
        Any number; one that comes again does so within ``logs.repeat_days``.
    """
    table = rows_of(pull.loop, pull.table, rows)
    if not rows:
        return table
    moments, reach = [row["ts"] for row in rows], timedelta(days=pull.loop.logs.repeat_days)
    near = [("ts", ">=", moved(min(moments), -reach)), ("ts", "<=", moved(max(moments), reach))]
    return pull.store.append_new(pull.table, table, near)


def _unread(pull: Pull) -> tuple[Sequence[Slice], Sequence[NotRead]]:
    """Return what is to be read, and what else was written in the window and is not read."""
    source, window = pull.section, window_of(pull)
    if source.format == "sql":
        return query_slices(window), []
    files, others = files_and_others(str(source.uri), source.format, pull.access.s3_options)
    unread = unread_slices(pull, [file for file in files if file.written_at >= window.start], window.start)
    slices = [without_unfinished_line(file_slice, pull.access) for file_slice in unread]
    lately = [other for other in others if other.written_at >= window.start]
    return [file_slice for file_slice in slices if file_slice.end > file_slice.start], lately


def _read(pull: Pull, file_slice: Slice, store_lines: StoreLines) -> Entry:
    edges_before, counts = edges_of(file_slice, pull.access), Counts()
    with ExitStack() as stack:
        readable = stack.enter_context(spooled(file_slice, pull))
        lines = records(stack.enter_context(readable.opened(pull.access, copied=not is_query(file_slice))))
        while chunk := list(islice(lines, CHUNK)):
            counts += store_lines(pull, file_slice, chunk)
    return Entry.of_slice(pull, file_slice, edges_before, counts)
