"""The rows of one partition, out of core: DuckDB reads and checks them, and keeps on disk what memory does not hold."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from include.config.loop_file import Loop
from include.errors import StoreError
from include.logs.field_paths import ours, prediction_paths
from include.logs.leaves import quoted
from include.logs.log_lines import LineReader, pseudonym, text_of
from include.logs.reading import Line, is_whole, picked_lines
from include.logs.scans import Scan, scan_of
from include.logs.slices import Slice
from include.logs.sources import Access
from include.store.schemas import schemas

PYTHON_MB = 400  # what Python and the libraries take beside DuckDB
CHUNK = 20_000
TYPES = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.list_(pa.float64()): "DOUBLE[]",
         pa.list_(pa.float32()): "FLOAT[]", pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ"}  # fmt: skip
NOT_STAGED = {"day", "user_key", "source"}  # made of ts, user_id and the slice when a row is written
Refuse = Callable[[list[tuple[Slice, Line]]], None]


@dataclass
class Part:
    """A slice that was read: the number of its lines, and of those that were refused one by one."""

    slice: Slice
    lines: int = 0
    refused: int = 0


class Staging:
    """Rows that were read and checked and are not yet in the store.

    Parameters
    ----------
    loop
        The loop.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.
    folder
        Where DuckDB may keep what memory does not hold.
    refuse
        Takes refused lines, some thousand at a time.
    """

    def __init__(self, loop: Loop, pseudonym_key: bytes, folder: Path, refuse: Refuse) -> None:
        self.loop = loop
        self.parts: list[Part] = []
        self._key = pseudonym_key
        self._refuse = refuse
        self._reader = LineReader(loop, pseudonym_key)
        self.connection = _connected(loop.logs.memory_mb, folder)
        self.columns = [field for field in schemas(loop)["predictions"].columns if field.name not in NOT_STAGED]
        kept = ", ".join(f"{quoted(field.name)} {TYPES[field.type]}" for field in self.columns)
        self.connection.execute(
            f"CREATE TEMP TABLE staged ({kept}, user_id VARCHAR, doubtful BOOLEAN, part INTEGER, number BIGINT)"
        )

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def read(self, slices: Sequence[Slice], access: Access) -> None:
        """Read slices; where a file was written to meanwhile, the bytes that were listed are read again."""
        for part in slices:
            with part.opened(access) as path:
                self._read_one(part, path)
            if not part.is_unchanged():
                self._forget_last()
                with part.opened(access, copied=True) as path:
                    self._read_one(part, path)

    def name_people(self) -> None:
        """Make the table ``people``: the pseudonym of every ``user_id``."""
        self.connection.execute("CREATE OR REPLACE TEMP TABLE people (user_id VARCHAR, user_key VARCHAR)")
        found = self.connection.sql("SELECT DISTINCT user_id FROM staged WHERE user_id IS NOT NULL").to_arrow_reader(
            CHUNK
        )
        for batch in list(found):
            people = batch.column(0).to_pylist()
            keys = pa.table({"user_id": people, "user_key": [pseudonym(person, self._key) for person in people]})
            self._insert("people", keys)

    def lines_of(self, wanted: Iterable[tuple[int, int]], access: Access) -> Iterator[tuple[tuple[int, int], Line]]:
        """Yield staged lines again as they were, by part and number in it."""
        by_part: dict[int, set[int]] = {}
        for part, number in wanted:
            by_part.setdefault(part, set()).add(number)
        for part, numbers in by_part.items():
            with self.parts[part].slice.opened(access) as path:
                scan = scan_of(self.loop, self.connection, path)
                for number, line in self._lines(scan, path, numbers):
                    yield (part, number), line

    def _read_one(self, part: Slice, path: Path) -> None:
        scan = scan_of(self.loop, self.connection, path)
        self.parts.append(Part(part))
        latest = part.file.written_at + timedelta(seconds=self.loop.logs.clock_skew_seconds)
        if scan.problems:
            raw = "; ".join(reason for _, reason in scan.problems)  # the same on every run, for its digest is the key
            self._settle(part, [(0, Line(None, None, scan.problems, raw))])
            return
        doubtful = self._scan(part, scan, latest) if is_whole(path) else None
        if doubtful is None or doubtful:
            self._look_at(part, path, scan, doubtful)

    def _scan(self, part: Slice, scan: Scan, latest: datetime) -> set[int] | None:
        """Stage what can be read at once, and return the places of doubtful lines; None if something stops the scan."""
        number = len(self.parts) - 1
        try:
            staged = self.connection.execute(
                f"INSERT INTO staged BY NAME SELECT {scan.rows(latest)}, {number} AS part, row_number() OVER () AS number "
                f"FROM {scan.table()} AS line"
            ).fetchone()
            self.parts[-1].lines = staged[0] if staged else 0
            if scan.format == "csv":
                self._settle(part, self._rejects())
            found = self.connection.execute(
                "SELECT number FROM staged WHERE doubtful AND part = ?", [number]
            ).fetchall()
            return {row[0] for row in found}
        except duckdb.OutOfMemoryException as error:
            raise StoreError(f"{part.source}: {error}; raise logs.memory_mb or lower logs.partition_mb") from error
        except duckdb.Error:
            self.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
            self.parts[-1].lines = 0
            return None

    def _look_at(self, part: Slice, path: Path, scan: Scan, doubtful: set[int] | None) -> None:
        """Read doubtful lines, or all, one by one."""
        number = len(self.parts) - 1
        self.connection.execute("DELETE FROM staged WHERE part = ? AND (doubtful OR ?)", [number, doubtful is None])
        lines = self._lines(scan, path, doubtful)
        while chunk := list(islice(lines, CHUNK)):
            self._settle(part, chunk, counted=doubtful is not None)

    def _rejects(self) -> list[tuple[int, Line]]:
        """Return the lines of the CSV file just scanned that have not as many cells as the header, or broken quotes."""
        query = "SELECT line, any_value(csv_line), string_agg(error_message, '; ') FROM reject_errors GROUP BY line"
        found = self.connection.execute(query).fetchall()
        self.connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
        return [
            (number, Line(number, None, [("not_csv", str(why))], str(raw).rstrip("\r\n"))) for number, raw, why in found
        ]

    def _lines(self, scan: Scan, path: Path, wanted: set[int] | None) -> Iterator[tuple[int, Line]]:
        if scan.record_query is not None and wanted is not None:
            self.connection.execute("CREATE OR REPLACE TABLE wanted (number BIGINT)")
            self._insert("wanted", pa.table({"number": pa.array(sorted(wanted), pa.int64())}))
            rows = self.connection.cursor().execute(scan.record_query)
            while batch := rows.fetchmany(CHUNK):
                yield from ((number, Line(number, json.loads(text), [], text)) for number, text in batch)
        elif wanted is not None:
            yield from picked_lines(path, wanted, self.parts[-1].lines)
        else:
            yield from enumerate(scan.lines(), start=1)

    def _settle(self, part: Slice, lines: list[tuple[int, Line]], *, counted: bool = False) -> None:
        """Put looked-at lines where they belong: among the staged rows, or to the refused."""
        rows, refused = [], []
        latest = part.file.written_at + timedelta(seconds=self.loop.logs.clock_skew_seconds)
        for number, line in lines:
            row, problems = self._row(line, latest)
            if problems:
                refused.append((part, Line(line.number, line.record, problems, line.raw)))
            else:
                rows.append(row | {"part": len(self.parts) - 1, "number": number, "doubtful": False})
        self.parts[-1].refused += len(refused)
        self.parts[-1].lines += 0 if counted else len(lines)
        if rows:
            types = {field.name: field.type for field in self.columns} | {"user_id": pa.string()}
            table = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in types.items()}
            table |= {name: pa.array([row[name] for row in rows]) for name in ("part", "number", "doubtful")}
            self._insert("staged", pa.table(table))
        if refused:
            self._refuse(refused)

    def _row(self, line: Line, latest: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if line.record is None:
            return {}, line.problems
        columns, record = self.loop.logs.columns, line.record
        if columns or self.loop.logs.format in {"csv", "parquet"}:
            record = ours(columns, prediction_paths(self.loop), record)
        row, problems = self._reader.row(record, latest, "")
        return row | {"user_id": text_of(record.get("user_id"))}, problems

    def _insert(self, name: str, rows: pa.Table) -> None:
        self.connection.register("arriving", rows)
        self.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM arriving")
        self.connection.unregister("arriving")

    def _forget_last(self) -> None:
        self.connection.execute("DELETE FROM staged WHERE part = ?", [len(self.parts) - 1])
        self.parts.pop()


def _connected(memory_mb: int, folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that is bounded, spills to ``folder``, and loads nothing from anywhere."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{max(memory_mb - PYTHON_MB, 256)}MiB", "threads": 1, "temp_directory": str(folder),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }
    )  # fmt: skip
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection
