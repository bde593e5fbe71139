"""The scan of JSON lines."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.lines.line_files import CUT_OFF, Line, picked_lines, read_lines
from include.stages.logs.rules.field_paths import Path as FieldPath
from include.stages.logs.rules.field_paths import located, nested_value
from include.stages.logs.rules.row_rules import RowQuery, row_query
from include.stages.logs.rules.sql_fields import REWRITTEN
from include.stages.logs.rules.sql_text import literal
from include.stages.logs.scans.file_scan import NumberedLine, Scan
from include.stages.logs.scans.json_fields import JsonFields

TEXTS = (("trace_id",), ("model_version",), ("prediction",), ("user_id",))


class JsonScan(Scan):
    """A file of JSON lines."""

    def __init__(self, loop: Loop, path: Path, as_json: frozenset[FieldPath]) -> None:
        super().__init__(loop, path)
        self.as_json = as_json

    @classmethod
    def of_file(cls, loop: Loop, path: Path) -> "JsonScan":
        """Return the scan of a file, whose first record tells what is read as JSON."""
        tells = (line for line in read_lines(path) if line.record is not None or line.number is None)
        first = next(tells, Line.of_file([]))
        scan = cls(loop, path, _fields_read_as_json(loop, first.record or {}))
        scan.problems = [problem for problem in first.problems if problem.code != CUT_OFF]
        return scan

    @classmethod
    def joined(cls, scans: Iterable[Scan], loop: Loop, path: Path) -> "JsonScan":
        """Return the scan of the lines of several files in one; what is read as JSON of any of them is of all.

        Parameters
        ----------
        scans
            Of the files, each of which has JSON lines.
        loop
            The loop.
        path
            The file that has the lines of all.
        """
        return cls(loop, path, frozenset[FieldPath]().union(*(scan.as_json for scan in scans)))

    def _rows_and_table(self) -> tuple[RowQuery, str]:
        fields = JsonFields(self.loop.logs.columns, self.as_json)
        rows = row_query(self.loop, fields)  # declares every field it asks for, so it comes before the schema
        options = f"format='newline_delimited', ignore_errors=true, hive_partitioning=false, columns={fields.schema}"
        return rows, f"read_json({literal(str(self.path))}, {options})"

    def lines(self) -> Iterator[Line]:
        """Yield every line, without DuckDB."""
        return read_lines(self.path)

    def lines_at(self, places: Set[int], total: int) -> Iterator[NumberedLine]:
        """Yield the lines at some places, from the file itself."""
        return picked_lines(self.path, places, total)


def _fields_read_as_json(loop: Loop, record: Mapping[str, Any]) -> frozenset[FieldPath]:
    """Return the fields that are read as JSON, by a file's first record.

    Those are the optional ones that it lacks, so that absent differs from wrong, and those in which it has the text of a
    number, so that the text differs from the number.
    """

    def is_absent(field: FieldPath) -> bool:
        return nested_value(record, located(loop.logs.columns, field)) is None

    optional = [("embedding",), *(("input", name) for name, item in loop.inputs.items() if not item.required)]
    absent: set[FieldPath] = {("error",), ("impact",), *(field for field in optional if is_absent(field))}
    probabilities = {("probabilities", name) for name in loop.task.classes}
    if any(map(is_absent, probabilities)):
        absent |= probabilities if _is_scattered(loop, "probabilities") else {("probabilities",)}
    if all(is_absent(("segments", name)) for name in loop.segments) and not _is_scattered(loop, "segments"):
        absent |= {("segments",)}
    texts = [*TEXTS, *(("segments", name) for name in loop.segments)]
    texts += [("input", name) for name, item in loop.inputs.items() if item.type == "categorical"]
    given = {field: nested_value(record, located(loop.logs.columns, field)) for field in texts}
    return frozenset(absent | {field for field, value in given.items() if _is_text_of_a_number(value)})


def _is_text_of_a_number(value: Any) -> bool:
    """Tell whether a text may be taken for a number that is written otherwise, unless it is read as JSON."""
    return isinstance(value, str) and re.fullmatch(REWRITTEN, value) is not None


def _is_scattered(loop: Loop, name: str) -> bool:
    """Tell whether the user's records have what is in an object of the loop at other places, one by one."""
    return any(renamed.startswith(f"{name}.") for renamed in loop.logs.columns)
