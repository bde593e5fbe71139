"""The scans of CSV and Parquet files, whose columns DuckDB knows."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.lines.csv_rows import line_of_row, read_header, read_rows
from include.foundation.lines.file_bytes import has_lone_return, opened_file
from include.foundation.lines.file_formats import repeats
from include.foundation.lines.line_files import Line
from include.foundation.lines.log_lines import REQUIRED
from include.foundation.lines.values import LONGEST_LINE, Problem
from include.foundation.store.table_advice import advice
from include.stages.logs.rules.field_paths import located, prediction_paths, renamed
from include.stages.logs.rules.row_rules import RowQuery, row_query
from include.stages.logs.rules.sql_text import literal, quoted
from include.stages.logs.scans.column_fields import ColumnFields
from include.stages.logs.scans.file_scan import NumberedLine, Scan

FETCHED = 20_000
MOST_DIGITS = 38
TEXTS = ("trace_id", "model_version", "prediction", "user_id", "segments")
WRONG_LENGTH = {"MISSING COLUMNS", "TOO MANY COLUMNS"}
FORGET_REJECTS = "DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans"


class ColumnScan(Scan):
    """A file with columns, of which DuckDB knows the types.

    Parameters
    ----------
    loop, path
        As of `Scan`.
    connection
        The database that reads the file.
    """

    format: str

    def __init__(self, loop: Loop, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(loop, path)
        self._connection = connection
        self._types = self._described()

    @abstractmethod
    def _table(self) -> str:
        """Return what is selected from."""

    @abstractmethod
    def _whole_rows(self) -> str:
        """Return the same without noting what is left out."""

    def _described(self) -> dict[str, Any]:
        """Return DuckDB's type of each column; where there are none, or too few, note the problem."""
        try:
            types = self._read_types()
        except (duckdb.Error, RuntimeError, UnicodeDecodeError) as error:
            why = str(error).splitlines()[0].replace(str(self.path), "it")  # a copy has another path every time
            if not isinstance(error, duckdb.Error) or "Invalid unicode" in why:  # the binding tells nothing more
                why = "a column's name is not UTF-8"
            reason = f"not a whole {self.format} file: {why}"
            self.problems = [Problem(f"not_{self.format}", reason)]
            return {}
        missing = [name for name in REQUIRED if not _has_column(types, self.loop, name)]
        if missing:
            reason = f"columns missing: {', '.join(missing)}; there are: {', '.join(types)}"
            self.problems = [Problem("missing_column", reason)]
        return types

    def _read_types(self) -> dict[str, Any]:
        relation = self._connection.sql(f"SELECT * FROM {self._table()}")
        str(relation.types)  # names of nested fields are read, too
        return dict(zip(relation.columns, relation.types, strict=True))

    def renamed(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record under the loop's names, nested where the file has flat columns such as ``input.text``."""
        return renamed(self.loop.logs.columns, prediction_paths(self.loop), record)

    def _rows_and_table(self) -> tuple[RowQuery, str]:
        return row_query(self.loop, ColumnFields(self.loop.logs.columns, self._types)), self._table()

    def lines_at(self, places: Set[int], total: int) -> Iterator[NumberedLine]:
        """Yield the rows at some places, as DuckDB reads them once more.

        All columns are read here, also those that a scan leaves alone. Where one of them is damaged, a row says just that.
        """
        left = set(places)
        try:
            for number, record in self._records_at(places):
                left.remove(number)
                yield number, Line.of_json(number, record)
        except duckdb.Error as error:
            if advice(error) or isinstance(error, duckdb.OutOfMemoryException):  # it is the machine, not the file
                raise
            problem = Problem(f"not_{self.format}", "not a whole row: some of its columns cannot be read")
            yield from ((number, Line(number, None, [problem], problem.reason)) for number in sorted(left))

    def _records_at(self, places: Set[int]) -> Iterator[tuple[int, str]]:
        self._connection.register("places_wanted", pa.table({"number": pa.array(sorted(places), pa.int64())}))
        self._connection.execute("CREATE OR REPLACE TABLE wanted AS FROM places_wanted")  # cursors see no view
        self._connection.unregister("places_wanted")
        numbered = (
            f"SELECT row_number() OVER () AS number, to_json(line)::VARCHAR AS record FROM {self._whole_rows()} AS line"
        )
        rows = self._connection.cursor().execute(
            f"SELECT number, record FROM ({numbered}) SEMI JOIN wanted USING (number)"
        )
        while batch := rows.fetchmany(FETCHED):
            yield from batch


class CsvScan(ColumnScan):
    """A CSV file, in which every cell is text."""

    format = "csv"

    def __init__(self, loop: Loop, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._header = read_header(path)
        super().__init__(loop, path, connection)

    def _described(self) -> dict[str, Any]:
        self.problems = self._header.problems
        if self.problems or not self._header.names:  # damaged at its beginning: `lines` says where
            return {}
        return super()._described()

    @property
    def is_scannable(self) -> bool:
        """Whether DuckDB takes the same lines for the header and the rows, too: it also ends some at a lone carriage return."""
        return super().is_scannable and self._header.is_first and not has_lone_return(self.path)

    def _table(self) -> str:
        return self._read_csv("store_rejects=true")

    def _whole_rows(self) -> str:
        return self._read_csv("ignore_errors=true")

    def _read_csv(self, rejects: str) -> str:
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in self._header.names)
        return (
            f"read_csv({literal(str(self.path))}, header=true, auto_detect=false, delim=',', quote='\"', escape='\"', "
            f"nullstr='', columns={{{columns}}}, hive_partitioning=false, {rejects})"
        )

    def lines(self) -> Iterator[Line]:
        """Yield every row, without DuckDB."""
        return read_rows(self.path)

    def take_rejects(self) -> list[NumberedLine] | None:
        """Return, once, the lines with not as many cells as the header; None if DuckDB left out anything else.

        A row of several lines may have swallowed good ones, DuckDB does not say how far it follows a broken quote, and of bytes
        that are not UTF-8 it does not say which they were.
        """
        columns = "line, any_value(csv_line), any_value(line_byte_position), list(DISTINCT error_type::VARCHAR)"
        rejects = self._connection.execute(f"SELECT {columns} FROM reject_errors GROUP BY line").fetchall()
        self._connection.execute(FORGET_REJECTS)
        lines = []
        with opened_file(self.path) as opened:
            for number, raw, begin, faults in rejects:
                text = raw.strip("\r\n")  # there may be empty lines before it
                if not text or not WRONG_LENGTH.issuperset(faults):
                    return None
                opened.seek(begin - 1 + raw.index(text))
                line = line_of_row(number, text, self._header.names)
                if opened.readline(LONGEST_LINE).rstrip(b"\r\n") != text.encode() or not line.problems:
                    return None
                lines.append((number, line))
        return lines


class ParquetScan(ColumnScan):
    """A Parquet file, which is readable as a whole or not at all."""

    format = "parquet"
    _bytes_are_text = False

    def _described(self) -> dict[str, Any]:
        types = super()._described()
        wrong = types and (repeats(self._names(types)) or self._wide(types))
        if wrong:
            self.problems = [Problem("not_parquet", f"the file has {wrong}")]
        return types

    def _read_types(self) -> dict[str, Any]:
        types = super()._read_types()
        if any("BLOB" in str(types[name]) for name in _columns_read(self.loop) & types.keys()):
            self._bytes_are_text = True  # some writers leave out that they are
            types = super()._read_types()
        query = f"SELECT name, precision FROM parquet_schema({literal(str(self.path))})"
        stored = self._connection.execute(query).fetchall()
        self._stored_names = {name for name, _ in stored}
        self._wide_names = {name for name, precision in stored if (precision or 0) > MOST_DIGITS}
        return types

    def _wide(self, types: Iterable[str]) -> str | None:
        """Say which ids and names are decimals of so many digits that DuckDB reads them as nearby doubles."""
        wide = sorted(self._wide_names & set(types) & _columns_read(self.loop, *TEXTS))
        return f"decimals of more than {MOST_DIGITS} digits, cast them to text: {', '.join(wide)}" if wide else None

    def _names(self, types: Iterable[str]) -> list[str]:
        """Return the names of the file's columns, also of those that DuckDB renames since it takes them for repeats."""
        return [name if name in self._stored_names else name.rpartition("_")[0] for name in types]

    def _table(self) -> str:
        options = f"hive_partitioning=false, binary_as_string={str(self._bytes_are_text).lower()}"
        return f"read_parquet({literal(str(self.path))}, {options})"

    def _whole_rows(self) -> str:
        return self._table()

    def lines(self) -> Iterator[Line]:
        """Yield one refusal of the whole file: without DuckDB none of its rows is read."""
        reason = "its rows cannot be read: it is damaged, or needs more than logs.memory_mb"
        return iter([Line.of_file([Problem("not_parquet", reason)])])


def _has_column(types: dict[str, Any], loop: Loop, name: str) -> bool:
    """Tell whether a field, or any that is inside it, has a column."""
    return not types.keys().isdisjoint(_columns_read(loop, name))


def _columns_read(loop: Loop, *fields: str) -> set[str]:
    """Return the names that columns of some fields may have; of all fields if none is given."""
    paths = [*((name,) for name in fields or REQUIRED), *prediction_paths(loop)]
    places = [located(loop.logs.columns, path) for path in paths if not fields or path[0] in fields]
    return {".".join(place[:cut]) for place in places for cut in range(1, len(place) + 1)}
