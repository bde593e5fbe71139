"""Fields of a log in SQL: how each value is read, and how to see that it is not what it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from include.logs.field_paths import Path, located

NOT_GIVEN = "NULL"
CLOCK = r"([01]\d|2[0-3]):?[0-5]\d"
PLAIN_MOMENT = rf"[12]\d\d\d-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,6}})?(Z|[+-]{CLOCK})?"


@dataclass(frozen=True)
class Leaf:
    """SQL of one field.

    Attributes
    ----------
    value
        Of the wanted type, or NULL.
    doubtful
        True where the value is NULL although something may have been given: the careful reader looks at the line.
    """

    value: str
    doubtful: str = "false"

    @property
    def null_is_doubtful(self) -> bool:
        """Whether NULL alone is what makes it doubtful."""
        return self.doubtful == f"{self.value} IS NULL"


class Leaves(Protocol):
    """How a format gives its fields."""

    def text(self, path: Path) -> Leaf:
        """Return a field as VARCHAR; any scalar has a text."""

    def number(self, path: Path) -> Leaf:
        """Return a field as DOUBLE."""

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list as ``kind[]``."""

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ."""

    def is_given(self, path: Path) -> str:
        """Say where there is an object, whatever is in it; ``false`` where NULL fields are doubtful anyway."""

    def not_an_object(self, path: Path, nothing: str) -> str:
        """Say where what should be an object may be something else; ``nothing`` says where nothing is in it."""


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
        return Leaf(value, _given(field, value))

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list as ``kind[]``."""
        field = self._declared(path, f"{kind}[]")
        if path not in self.loose:
            return Leaf(field, f"{field} IS NULL")
        value = f"TRY_CAST({field} AS {kind}[])"
        return Leaf(value, _given(field, value))

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ."""
        return Leaf(_moment(self._declared(path, "VARCHAR")))

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
        return field_of(place)


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
        return Leaf(value, _given(field, value))

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list, or the JSON text of one, as ``kind[]``."""
        field, found = self._found(path)
        value = f"TRY_CAST({field}{'::JSON' if found == 'VARCHAR' else ''} AS {kind}[])"
        if found == "VARCHAR":
            value = f"CASE WHEN json_valid({field}) THEN {value} END"
        return Leaf(value, _given(field, value))

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ; a timestamp without a zone is UTC."""
        field, found = self._found(path)
        if found.startswith("TIMESTAMP"):
            return Leaf(f"TRY_CAST({field} AS TIMESTAMPTZ)")
        if found != "VARCHAR":
            return Leaf("CAST(NULL AS TIMESTAMPTZ)")
        return Leaf(_moment(field))

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


def loosest(leaves: Sequence[Leaves]) -> Leaves:
    """Return the fields of JSON lines of several files: as JSON what is read as JSON of any."""
    found = [one for one in leaves if isinstance(one, JsonLeaves)]
    return JsonLeaves(found[0].columns, frozenset[Path]().union(*(one.loose for one in found)))


def quoted(name: str) -> str:
    '''Return a name as SQL takes it.

    Examples
    --------
    >>> print(quoted('a "b"'))
    "a ""b"""
    '''
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL takes it.

    Examples
    --------
    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def pointer(place: Path) -> str:
    """Return a JSON pointer, which takes any name; a JSON path takes none with a quote in it.

    Examples
    --------
    >>> pointer(("probabilities", "either/or"))
    '/probabilities/either~1or'
    """
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in place)


def field_of(place: Path) -> str:
    """Return the SQL of a field in nested STRUCTs."""
    return ".".join(["line", *map(quoted, place)])


def _moment(field: str) -> str:
    """Return a text as TIMESTAMPTZ if it is written in the way that everything reads alike."""
    return f"CASE WHEN regexp_full_match({field}, {literal(PLAIN_MOMENT)}) THEN TRY_CAST({field} AS TIMESTAMPTZ) END"


def _given(field: str, value: str) -> str:
    return f"({field} IS NOT NULL AND {value} IS NULL)"


def _type(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    return "STRUCT(" + ", ".join(f"{quoted(name)} {_type(inner)}" for name, inner in kind.items()) + ")"


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
