"""The quarantine of lines that are refused: kept with every reason, so that nothing is lost."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import refusal
from include.foundation.store.rows import rows_of
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice


class RefusedLine(NamedTuple):
    """A line with its problems, and the slice that it is from."""

    file_slice: Slice
    line: Line


def refuse_lines(pull: Pull, lines: Iterable[RefusedLine]) -> list[dict[str, Any]]:
    """Put refused lines into quarantine, once however often they are met; return the rows."""
    rows = [refusal(pull.kind, file_slice.source, line, pull.interval) for file_slice, line in lines]
    if rows:
        sources = sorted({row["source"] for row in rows})
        pull.store.append_new("quarantine", rows_of(pull.loop, "quarantine", rows), [("source", "in", sources)])
    return rows
