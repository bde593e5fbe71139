"""Fields of CSV and Parquet files."""

from collections.abc import Mapping
from typing import Any

from include.stages.logs.rules.field_paths import Path, located
from include.stages.logs.rules.leaves import Leaf, given, moment_in
from include.stages.logs.rules.sql import literal, pointer, quoted

NOT_GIVEN = "NULL"


class ColumnLeaves:
    """Fields of a CSV or Parquet file, whose columns are known: absent is known from wrong.

    Parameters
    ----------
    columns
        ``logs.columns``.
    described
        DuckDB's type of each column of the file, by name.
    """

    def __init__(self, columns: Mapping[str, str], described: Mapping[str, Any]) -> None:
        self._columns = columns
        self._described = described

    def text(self, path: Path) -> Leaf:
        """Return a field as VARCHAR."""
        field, _ = self._found(path)
        return Leaf(f"CAST({field} AS VARCHAR)")

    def number(self, path: Path) -> Leaf:
        """Return a field as DOUBLE."""
        field, _ = self._found(path)
        value = f"TRY_CAST({field} AS DOUBLE)"
        return Leaf(value, given(field, value))

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list, or the JSON text of one, as ``kind[]``."""
        field, found = self._found(path)
        value = f"TRY_CAST({field}{'::JSON' if found == 'VARCHAR' else ''} AS {kind}[])"
        if found == "VARCHAR":
            value = f"CASE WHEN json_valid({field}) THEN {value} END"
        return Leaf(value, given(field, value))

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ; a timestamp without a zone is UTC."""
        field, found = self._found(path)
        if found.startswith("TIMESTAMP"):
            return Leaf(f"TRY_CAST({field} AS TIMESTAMPTZ)")
        if found != "VARCHAR":
            return Leaf("CAST(NULL AS TIMESTAMPTZ)")
        return Leaf(moment_in(field))

    def is_given(self, path: Path) -> str:
        """Say where there is anything in the column that holds an object."""
        field, _ = self._found(path)
        return f"{field} IS NOT NULL"

    def not_an_object(self, path: Path, nothing: str) -> str:
        """Say where a column that holds objects as JSON text holds something else."""
        field, found = self._found(path)
        if found not in {"VARCHAR", "JSON"}:
            return "false"
        return f"{field} IS NOT NULL AND (NOT json_valid({field}) OR json_type({field}) NOT IN ('OBJECT', 'NULL'))"

    def _found(self, path: Path) -> tuple[str, str]:
        """Return a field's SQL and type; ``NULL`` if the file has none."""
        place = located(self._columns, path)
        for cut in range(len(place), 0, -1):
            column = ".".join(place[:cut])
            if column in self._described:
                return _inside(quoted(column), self._described[column], place[cut:])
        return NOT_GIVEN, "NULL"


def _inside(field: str, kind: Any, rest: Path) -> tuple[str, str]:
    """Return the SQL and type of what is inside a column: of a STRUCT, of a MAP, or of JSON text."""
    if not rest:
        return field, str(kind)
    if kind.id == "struct":
        inner = dict(kind.children)
        return (
            _inside(f"{field}.{quoted(rest[0])}", inner[rest[0]], rest[1:]) if rest[0] in inner else (NOT_GIVEN, "NULL")
        )
    if kind.id == "map":
        return _inside(f"{field}[{literal(rest[0])}]", dict(kind.children)["value"], rest[1:])
    if str(kind) in {"VARCHAR", "JSON"}:
        return f"CASE WHEN json_valid({field}) THEN {field} ->> {literal(pointer(rest))} END", "VARCHAR"
    return NOT_GIVEN, "NULL"
