"""The fields of CSV and Parquet files."""

from collections.abc import Mapping
from typing import Any

from include.foundation.lines.values import EXACT
from include.stages.logs.rules.field_paths import Path, located
from include.stages.logs.rules.sql_fields import Field, is_of_another_type, may_be_rewritten, moment_in
from include.stages.logs.rules.sql_text import literal, pointer, quoted

ABSENT = ("NULL", "NULL")  # SQL and type of a field that the file does not have
JSON_TEXTS = {"VARCHAR", "JSON"}
FLOATS, DECIMAL = ("FLOAT", "DOUBLE"), "DECIMAL"
IN_JSON = " ->> "
NO_JSON = "'\"\"'"  # JSON text of an empty text


class ColumnFields:
    """Fields of a CSV or Parquet file, whose columns are known, so that an absent value differs from a wrong one.

    Parameters
    ----------
    columns
        ``logs.columns``.
    types
        DuckDB's type of each column of the file, by name.
    """

    def __init__(self, columns: Mapping[str, str], types: Mapping[str, Any]) -> None:
        self._columns = columns
        self._types = types

    def text(self, path: Path) -> Field:
        """Return a field as VARCHAR."""
        given, given_type = self._given(path)
        text = f"CAST({given} AS VARCHAR)"
        if given_type.startswith(DECIMAL):
            return Field(f"CAST(trunc({given}) AS VARCHAR)", f"coalesce({given} <> trunc({given}), false)")
        if given_type in FLOATS:
            is_whole = f"isfinite({given}) AND {given} = trunc({given}) AND abs({given}) < {EXACT}"
            whole = f"CASE WHEN {is_whole} THEN CAST(CAST({given} AS BIGINT) AS VARCHAR) ELSE {text} END"
            return Field(whole, f"coalesce(NOT isfinite({given}), false)")
        return Field(text, may_be_rewritten(text) if IN_JSON in given else "false")

    def number(self, path: Path) -> Field:
        """Return a field as DOUBLE."""
        given, _ = self._given(path)
        value = f"TRY_CAST({given} AS DOUBLE)"
        return Field(value, is_of_another_type(given, value))

    def numbers(self, path: Path, kind: str) -> Field:
        """Return a list, or the JSON text of one, as ``kind[]``."""
        given, given_type = self._given(path)
        value = f"TRY_CAST({given}{'::JSON' if given_type == 'VARCHAR' else ''} AS {kind}[])"
        if given_type == "VARCHAR":
            value = f"CASE WHEN json_valid({given}) THEN {value} END"
        return Field(value, is_of_another_type(given, value))

    def moment(self, path: Path) -> Field:
        """Return a field as TIMESTAMPTZ; a timestamp without a zone is UTC."""
        given, given_type = self._given(path)
        if given_type.startswith("TIMESTAMP"):
            return Field(f"TRY_CAST({given} AS TIMESTAMPTZ)")
        if given_type != "VARCHAR":
            return Field("CAST(NULL AS TIMESTAMPTZ)")
        return Field(moment_in(given))

    def json(self, path: Path) -> str:
        """Return SQL of a field as JSON text: of a STRUCT, of a MAP, or of what is JSON text already."""
        given, given_type = self._given(path)
        is_text = given_type in JSON_TEXTS
        read = (
            f"CASE WHEN json_valid({given}) THEN json({given}) ELSE {NO_JSON} END" if is_text else f"to_json({given})"
        )
        return f"CASE WHEN {given} IS NOT NULL THEN nullif(CAST({read} AS VARCHAR), 'null') END"

    def is_given(self, path: Path) -> str:
        """Return the condition that the column of an object holds anything."""
        given, _ = self._given(path)
        return f"{given} IS NOT NULL"

    def is_no_object(self, path: Path, is_empty: str) -> str:
        """Return the condition that a column that holds objects as JSON text holds something else."""
        given, given_type = self._given(path)
        if given_type not in JSON_TEXTS:
            return "false"
        return f"{given} IS NOT NULL AND (NOT json_valid({given}) OR json_type({given}) NOT IN ('OBJECT', 'NULL'))"

    def _given(self, path: Path) -> tuple[str, str]:
        """Return the SQL and the type of a field as the file has it."""
        place = located(self._columns, path)
        for cut in range(len(place), 0, -1):
            column = ".".join(place[:cut])
            if column in self._types:
                return _inside(quoted(column), self._types[column], place[cut:])
        return ABSENT


def _inside(column: str, kind: Any, rest: Path) -> tuple[str, str]:
    """Return the SQL and the type of what is inside a column: of a STRUCT, of a MAP, or of JSON text."""
    if not rest:
        return column, str(kind)
    if kind.id == "struct":
        inner = dict(kind.children)
        return _inside(f"{column}.{quoted(rest[0])}", inner[rest[0]], rest[1:]) if rest[0] in inner else ABSENT
    if kind.id == "map":
        return _inside(f"{column}[{literal(rest[0])}]", dict(kind.children)["value"], rest[1:])
    if str(kind) in JSON_TEXTS:
        return f"CASE WHEN json_valid({column}) THEN {column}{IN_JSON}{literal(pointer(rest))} END", "VARCHAR"
    return ABSENT
