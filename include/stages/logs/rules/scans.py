"""How DuckDB scans a log file of each format."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from include.foundation.config.loop_file import Loop
from include.foundation.lines.line_files import Line, raw_lines, read_cells, read_lines
from include.foundation.lines.sources import COMPRESSED
from include.foundation.lines.values import Problem
from include.stages.logs.rules.column_leaves import ColumnLeaves
from include.stages.logs.rules.field_paths import Path as FieldPath
from include.stages.logs.rules.field_paths import located, prediction_paths
from include.stages.logs.rules.json_leaves import JsonLeaves
from include.stages.logs.rules.leaves import Leaves
from include.stages.logs.rules.log_lines import REQUIRED
from include.stages.logs.rules.row_rules import row_query
from include.stages.logs.rules.sql import literal, quoted


@dataclass
class Scan:
    """A scan of one file.

    Attributes
    ----------
    loop
        The loop.
    leaves
        How its fields are read.
    format
        ``jsonl``, ``csv`` or ``parquet``.
    path
        Local path.
    problems
        Why nothing can be read of it.
    """

    loop: Loop
    leaves: Leaves
    format: str
    path: Path
    problems: list[Problem] = field(default_factory=list)
    names: tuple[str, ...] = ()

    @property
    def is_scannable(self) -> bool:
        """Whether DuckDB can be asked to: not for a file that has problems or could not be unpacked."""
        return not self.problems and self.path.suffix not in COMPRESSED

    def rows(self, latest: str) -> str:
        """Return the SELECT list of the staged rows; ``latest`` is SQL of the latest plausible timestamp."""
        return row_query(self.loop, self.leaves, latest)

    def table(self, rejects: str = "store_rejects=true") -> str:
        """Return what is selected from, once `rows` has said which fields are read."""
        path = literal(str(self.path))
        if self.format == "parquet":
            return f"read_parquet({path})"
        if self.format == "csv":
            columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in self.names)
            return (
                f"read_csv({path}, header=true, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr='', "
                f"columns={{{columns}}}, {rejects})"
            )
        columns = self.leaves.schema if isinstance(self.leaves, JsonLeaves) else "{}"
        return f"read_json({path}, format='newline_delimited', ignore_errors=true, columns={columns})"

    def lines(self) -> Iterator[Line]:
        """Yield every line, without DuckDB: something in the file stops it. Of a Parquet file that is one refusal."""
        if self.format == "parquet":
            reason = "not a whole parquet file: its rows cannot be read"
            return iter([Line(None, None, [("not_parquet", reason)], reason)])
        return read_cells(self.path, self.names) if self.format == "csv" else read_lines(self.path)

    @property
    def record_query(self) -> str | None:
        """Query of the records whose numbers are in the table ``wanted``; None where lines are read from the file."""
        if self.format == "jsonl":
            return None
        again = self.table("ignore_errors=true")
        numbered = f"SELECT row_number() OVER () AS number, to_json(line)::VARCHAR AS record FROM {again} AS line"
        return f"SELECT number, record FROM ({numbered}) SEMI JOIN wanted USING (number)"


def scan_of(loop: Loop, connection: duckdb.DuckDBPyConnection, path: Path) -> Scan:
    """Return the scan of a file; one that cannot be read at all, or lacks a required column, has problems."""
    name, columns = path.name.removesuffix(".gz").removesuffix(".zst"), loop.logs.columns
    if name.endswith(".parquet"):
        return _columnar(Scan(loop, JsonLeaves(columns, frozenset()), "parquet", path), connection)
    if name.endswith(".csv"):
        header = next(csv.reader(line.decode("utf-8-sig", "replace") for _, line in raw_lines(path)), [])
        found = Scan(loop, JsonLeaves(columns, frozenset()), "csv", path, names=tuple(header))
        return _columnar(found, connection)
    return Scan(loop, JsonLeaves(columns, _absent(loop, path)), "jsonl", path)


def _columnar(scan: Scan, connection: duckdb.DuckDBPyConnection) -> Scan:
    try:
        relation = connection.sql(f"SELECT * FROM {scan.table()}")
    except duckdb.Error as error:
        scan.problems = [(f"not_{scan.format}", f"not a whole {scan.format} file: {str(error).splitlines()[0]}")]
        return scan
    described = dict(zip(relation.columns, relation.types, strict=True))
    missing = [name for name in REQUIRED if not _has(described, scan.loop, name)]
    if missing:
        there = ", ".join(described)
        scan.problems = [("missing_column", f"columns missing: {', '.join(missing)}; there are: {there}")]
    scan.leaves = ColumnLeaves(scan.loop.logs.columns, described)
    return scan


def _has(described: dict[str, Any], loop: Loop, name: str) -> bool:
    """Tell whether a field, or any that is inside it, has a column."""
    places = [located(loop.logs.columns, path) for path in [(name,), *prediction_paths(loop)] if path[0] == name]
    return any(".".join(place[:cut]) in described for place in places for cut in range(1, len(place) + 1))


def _absent(loop: Loop, path: Path) -> frozenset[FieldPath]:
    """Return the optional fields that the file's first line lacks: they are read so that absent is known from wrong."""
    record = next(_records(path), {})
    optional = [("embedding",), *(("input", name) for name, item in loop.inputs.items() if not item.required)]
    absent = {path for path in optional if _dig(record, located(loop.logs.columns, path)) is None}
    scores = {("probabilities", name) for name in loop.task.classes}
    if any(_dig(record, located(loop.logs.columns, path)) is None for path in scores):
        absent |= scores if _apart(loop, "probabilities") else {("probabilities",)}
    if all(_dig(record, located(loop.logs.columns, ("segments", name))) is None for name in loop.segments):
        absent |= set() if _apart(loop, "segments") else {("segments",)}
    return frozenset(absent)


def _apart(loop: Loop, name: str) -> bool:
    """Tell whether what is in an object of ours is somewhere else each in the user's records."""
    return any(renamed.startswith(f"{name}.") for renamed in loop.logs.columns)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for _, raw in raw_lines(path):
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _dig(record: Any, place: FieldPath) -> Any:
    for name in place:
        record = record.get(name) if isinstance(record, dict) else None
    return record
