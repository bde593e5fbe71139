"""What comes in small numbers, read line by line: slices that were not read yet, a chunk of lines at a time."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice

from include.foundation.lines.line_files import Line
from include.foundation.lines.records import records
from include.foundation.lines.sources import NotRead, files_and_others
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice, without_unfinished_line
from include.stages.logs.slices.queries import is_query, query_slices, spooled
from include.stages.logs.slices.read_ledger import Counts, Entry
from include.stages.logs.slices.unread_slices import edges_of, unread_slices, window_of

CHUNK = 20_000
StoreLines = Callable[[Pull, Slice, Sequence[Line]], Counts]


def unread_lines(pull: Pull) -> tuple[Sequence[Slice], Sequence[NotRead]]:
    """Return what is to be read, and what else was written in the window and is not read.

    Parameters
    ----------
    pull
        Whose lines.

    Raises
    ------
    ConfigError
        If the folder does not exist.
    StoreError
        If files cannot be listed, or a table that lines go to cannot be opened.
    """
    source, window = pull.section, window_of(pull)
    if source.format == "sql":
        return query_slices(window), []
    files, others = files_and_others(str(source.uri), source.format, pull.access.s3_options)
    unread = unread_slices(pull, [file for file in files if file.written_at >= window.start], window.start)
    slices = [without_unfinished_line(file_slice, pull.access) for file_slice in unread]
    lately = [other for other in others if other.written_at >= window.start]
    return [file_slice for file_slice in slices if file_slice.end > file_slice.start], lately


def read_slice(pull: Pull, file_slice: Slice, store_lines: StoreLines) -> Entry:
    """Store the lines of a slice, and return its entry in the ledger.

    Parameters
    ----------
    pull
        Whose lines.
    file_slice
        The slice.
    store_lines
        Stores a chunk of lines, and counts what became of them.
    """
    edges_before, counts = edges_of(file_slice, pull.access), Counts()
    with ExitStack() as stack:
        readable = stack.enter_context(spooled(file_slice, pull))
        lines = records(stack.enter_context(readable.opened(pull.access, copied=not is_query(file_slice))))
        while chunk := list(islice(lines, CHUNK)):
            counts += store_lines(pull, file_slice, chunk)
    return Entry.of_slice(pull, file_slice, edges_before, counts)
