"""The quarantine of lines that are refused: kept with every reason, so that nothing is lost."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa

from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import refusal
from include.foundation.store.rows import rows_of
from include.stages.logs.pull import Pull
from include.stages.logs.rules.field_paths import renamed
from include.stages.logs.slices.file_slices import Slice

READ = [("trace_id",), ("ts",), ("model_version",)]
ROWS, CHARACTERS = 20_000, 1 << 24  # that become a table at a time
COMMIT_BYTES = 1 << 25  # each commit looks through the rows that are there, so there are few
Note = Callable[[pa.Table], None]


class RefusedLine(NamedTuple):
    """A line with its problems, and the slice that it is from."""

    file_slice: Slice
    line: Line


def refuse_lines(pull: Pull, lines: Iterable[RefusedLine], note: Note | None = None) -> int:
    """Put any number of refused lines into quarantine, without the people they name; see `refuse`.

    Parameters
    ----------
    pull
        The pull.
    lines
        In any order.
    note
        Is given the rows of each commit.
    """
    return refuse(pull, ((file_slice.source, _as_kept(pull, line)) for file_slice, line in lines), note)


def refuse(pull: Pull, lines: Iterable[tuple[str, Line]], note: Note | None = None) -> int:
    """Put any number of lines into quarantine, once; return how many they are.

    Parameters
    ----------
    pull
        The pull.
    lines
        Source and line; the lines name no people.
    note
        Is given the rows of each commit.
    """
    count = 0
    for tables in _commits(_tables(pull, lines)):
        rows = pa.concat_tables(tables)
        sources = sorted(rows.column("source").unique().to_pylist())
        pull.store.append_new("quarantine", rows, [("source", "in", sources)])
        count += rows.num_rows
        if note is not None:
            note(rows)
    return count


def _commits(tables: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """Yield the tables of each commit."""
    waiting: list[pa.Table] = []
    for one in tables:
        waiting.append(one)
        if sum(each.nbytes for each in waiting) >= COMMIT_BYTES:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _tables(pull: Pull, lines: Iterable[tuple[str, Line]]) -> Iterator[pa.Table]:
    """Yield the rows of lines, in tables of bounded size."""
    rows: list[dict[str, Any]] = []
    characters = 0
    for source, line in lines:
        rows.append(refusal(pull.kind, source, line, pull.interval))
        characters += len(rows[-1]["raw"])
        if len(rows) == ROWS or characters >= CHARACTERS:
            yield rows_of(pull.loop, "quarantine", rows)
            rows, characters = [], 0
    if rows:
        yield rows_of(pull.loop, "quarantine", rows)


def _as_kept(pull: Pull, line: Line) -> Line:
    """Return a line without people, and with a record under the loop's names."""
    masked, columns = pull.people.masked(line), pull.section.columns
    return replace(masked, record=renamed(columns, READ, line.record)) if line.record and columns else masked
