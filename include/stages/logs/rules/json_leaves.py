"""Fields of JSON lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from include.stages.logs.rules.field_paths import Path, located
from include.stages.logs.rules.leaves import Leaf, Leaves, given, moment_in
from include.stages.logs.rules.sql import literal, pointer, quoted


class JsonLeaves:
    """Fields of JSON lines, which DuckDB reads into the wanted types while it parses.

    A value of the wrong type becomes NULL as one that is absent does, so NULL is doubtful; fields that a file's first line
    lacks are read as JSON, where absent is known from wrong.

    Parameters
    ----------
    columns
        ``logs.columns``.
    loose
        Paths that are read as JSON.
    """

    def __init__(self, columns: Mapping[str, str], loose: frozenset[Path]) -> None:
        self.columns = columns
        self.loose = loose
        self.types: dict[str, Any] = {}

    def text(self, path: Path) -> Leaf:
        """Return a field as VARCHAR."""
        field = self._in_json(path)
        if field is None:
            return Leaf(self._declared(path, "VARCHAR"))
        spelled = f"coalesce(json_type({field}) = 'DOUBLE', false)"  # DuckDB's JSON writes 1e+22 as 1e22
        return Leaf(f"({field} ->> '$')", spelled)

    def number(self, path: Path) -> Leaf:
        """Return a field as DOUBLE."""
        field = self._in_json(path)
        if field is None:
            field = self._declared(path, "DOUBLE")
            return Leaf(field, f"{field} IS NULL")
        value = f"TRY_CAST({field} ->> '$' AS DOUBLE)"
        return Leaf(value, given(field, value))

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list as ``kind[]``."""
        field = self._declared(path, f"{kind}[]")
        if path not in self.loose:
            return Leaf(field, f"{field} IS NULL")
        value = f"TRY_CAST({field} AS {kind}[])"
        return Leaf(value, given(field, value))

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ."""
        return Leaf(moment_in(self._declared(path, "VARCHAR")))

    def is_given(self, path: Path) -> str:
        """Say where an object was given; known only of what is read as JSON."""
        if path not in self.loose:
            return "false"
        field = self._declared(path, "JSON")
        return f"{field} IS NOT NULL AND json_type({field}) <> 'NULL'"

    def not_an_object(self, path: Path, nothing: str) -> str:
        """Say where something else than an object was given: known of what is read as JSON, else wherever nothing was read."""
        if path not in self.loose:
            return "false" if any(name.startswith(f"{path[0]}.") for name in self.columns) else nothing
        field = self._declared(path, "JSON")
        return f"{field} IS NOT NULL AND json_type({field}) NOT IN ('OBJECT', 'NULL')"

    def _in_json(self, path: Path) -> str | None:
        """Return the JSON of a field that is read as JSON, or is in an object that is; None of any other."""
        if path in self.loose:
            return self._declared(path, "JSON")
        if path[:-1] in self.loose:
            return f"({self._declared(path[:-1], 'JSON')} -> {literal(pointer(path[-1:]))})"
        return None

    @property
    def schema(self) -> str:
        """The ``columns`` argument of ``read_json``."""
        return "{" + ", ".join(f"{quoted(name)}: {literal(_type(kind))}" for name, kind in self.types.items()) + "}"

    def _declared(self, path: Path, kind: str) -> str:
        """Note that a field is read, and return its SQL."""
        place = located(self.columns, path)
        level = self.types
        for name in place[:-1]:
            level = level.setdefault(name, {})
        level.setdefault(place[-1], "JSON" if path in self.loose else kind)
        return _field_of(place)


def loosest(leaves: Sequence[Leaves]) -> Leaves:
    """Return the fields of JSON lines of several files: as JSON what is read as JSON of any."""
    found = [one for one in leaves if isinstance(one, JsonLeaves)]
    return JsonLeaves(found[0].columns, frozenset[Path]().union(*(one.loose for one in found)))


def _field_of(place: Path) -> str:
    """Return the SQL of a field in nested STRUCTs."""
    return ".".join(["line", *map(quoted, place)])


def _type(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    return "STRUCT(" + ", ".join(f"{quoted(name)} {_type(inner)}" for name, inner in kind.items()) + ")"
