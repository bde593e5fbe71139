"""The fields of JSON lines."""

from collections.abc import Mapping
from typing import Any

from include.stages.logs.rules.field_paths import Path, located
from include.stages.logs.rules.sql_fields import Field, is_of_another_type, may_be_rewritten, moment_in
from include.stages.logs.rules.sql_text import literal, pointer, quoted


class JsonFields:
    """Fields of JSON lines, which DuckDB reads into the wanted types while it parses.

    A value of the wrong type becomes NULL as an absent one does, so NULL is doubtful. Fields that the first line of a file
    lacks are read as JSON instead, where absent differs from wrong.

    Parameters
    ----------
    columns
        ``logs.columns``.
    as_json
        Paths that are read as JSON.

    Notes
    -----
    Each field that is asked for is declared; `schema` has those that were.
    """

    def __init__(self, columns: Mapping[str, str], as_json: frozenset[Path]) -> None:
        self._columns = columns
        self._as_json = as_json
        self._declared_types: dict[str, Any] = {}

    def text(self, path: Path) -> Field:
        """Return a field as VARCHAR."""
        json = self._json(path)
        if json is None:
            value = self._declare(path, "VARCHAR")
            return Field(value, may_be_rewritten(value))
        is_rewritten = f"coalesce(json_type({json}) = 'DOUBLE', false)"  # DuckDB's JSON writes 1e+22 as 1e22
        return Field(f"({json} ->> '$')", is_rewritten)

    def number(self, path: Path) -> Field:
        """Return a field as DOUBLE."""
        json = self._json(path)
        if json is None:
            value = self._declare(path, "DOUBLE")
            return Field(value, f"{value} IS NULL")
        value = f"TRY_CAST({json} ->> '$' AS DOUBLE)"
        return Field(value, is_of_another_type(json, value))

    def numbers(self, path: Path, kind: str) -> Field:
        """Return a list as ``kind[]``."""
        given = self._declare(path, f"{kind}[]")
        if path not in self._as_json:
            return Field(given, f"{given} IS NULL")
        value = f"TRY_CAST({given} AS {kind}[])"
        return Field(value, is_of_another_type(given, value))

    def moment(self, path: Path) -> Field:
        """Return a field as TIMESTAMPTZ."""
        return Field(moment_in(self._declare(path, "VARCHAR")))

    def json(self, path: Path) -> str:
        """Return SQL of a field as JSON text."""
        return self._declare(path, "JSON")

    def is_given(self, path: Path) -> str:
        """Return the condition that an object was given; it is known only of what is read as JSON."""
        if path not in self._as_json:
            return "false"
        given = self._declare(path, "JSON")
        return f"{given} IS NOT NULL AND json_type({given}) <> 'NULL'"

    def is_no_object(self, path: Path, is_empty: str) -> str:
        """Return the condition that something other than an object was given: known of JSON, else wherever it is empty."""
        if path not in self._as_json:
            return "false" if any(name.startswith(f"{path[0]}.") for name in self._columns) else is_empty
        given = self._declare(path, "JSON")
        return f"{given} IS NOT NULL AND json_type({given}) NOT IN ('OBJECT', 'NULL')"

    @property
    def schema(self) -> str:
        """The ``columns`` argument of ``read_json``: what was asked for until now."""
        columns = (f"{quoted(name)}: {literal(_type(kind))}" for name, kind in self._declared_types.items())
        return "{" + ", ".join(columns) + "}"

    def _json(self, path: Path) -> str | None:
        """Return the JSON of a field that is read as JSON, or is in an object that is; None of any other."""
        if path in self._as_json:
            return self._declare(path, "JSON")
        if path[:-1] in self._as_json:
            return f"({self._declare(path[:-1], 'JSON')} -> {literal(pointer(path[-1:]))})"
        return None

    def _declare(self, path: Path, kind: str) -> str:
        """Declare that a field is read, and return its SQL."""
        place = located(self._columns, path)
        level = self._declared_types
        for name in place[:-1]:
            level = level.setdefault(name, {})
        level.setdefault(place[-1], "JSON" if path in self._as_json else kind)
        return ".".join(["line", *map(quoted, place)])


def _type(kind: Any) -> str:
    """Return DuckDB's name of a type; a mapping is a STRUCT."""
    if isinstance(kind, str):
        return kind
    return "STRUCT(" + ", ".join(f"{quoted(name)} {_type(inner)}" for name, inner in kind.items()) + ")"
