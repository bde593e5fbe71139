"""The quarantine of lines that are refused: kept with every reason, so that nothing is lost."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import refusal
from include.foundation.store.rows import rows_of
from include.stages.logs.pull import Pull
from include.stages.logs.rules.field_paths import renamed
from include.stages.logs.slices.file_slices import Slice

READ = [("trace_id",), ("ts",)]


class RefusedLine(NamedTuple):
    """A line with its problems, and the slice that it is from."""

    file_slice: Slice
    line: Line


def refuse_lines(pull: Pull, lines: Iterable[RefusedLine]) -> list[dict[str, Any]]:
    """Put refused lines into quarantine, once and without the people they name; return the rows."""
    rows = [refusal(pull.kind, file_slice.source, _as_kept(pull, line), pull.interval) for file_slice, line in lines]
    if rows:
        sources = sorted({row["source"] for row in rows})
        pull.store.append_new("quarantine", rows_of(pull.loop, "quarantine", rows), [("source", "in", sources)])
    return rows


def _as_kept(pull: Pull, line: Line) -> Line:
    """Return a line without people, and with a record under the loop's names."""
    masked = pull.people.masked(line)
    return masked if line.record is None else replace(masked, record=renamed(pull.section.columns, READ, line.record))
