"""The rows of one partition, out of core: DuckDB reads and checks them, and keeps on disk what memory does not hold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.errors import StoreError
from include.foundation.lines.line_files import Line
from include.foundation.lines.sources import Access
from include.foundation.lines.values import pseudonym, text_of
from include.foundation.store.schemas import schemas
from include.stages.logs.landing.scratch import connected, remedy
from include.stages.logs.rules.field_paths import ours, prediction_paths
from include.stages.logs.rules.json_leaves import loosest
from include.stages.logs.rules.log_lines import LineReader
from include.stages.logs.rules.scans import scan_of
from include.stages.logs.rules.sql import literal, quoted
from include.stages.logs.slices.file_slices import Slice
from include.stages.logs.slices.local_lines import grouped, joined, unpacked
from include.stages.logs.slices.parts import CHUNK, Part, insert, rejected

TYPES = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.list_(pa.float64()): "DOUBLE[]",
         pa.list_(pa.float32()): "FLOAT[]", pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ"}  # fmt: skip
NOT_STAGED = {"day", "user_key", "source"}  # made of ts, user_id and the slice when a row is written
Refuse = Callable[[list[tuple[Slice, Line]]], None]


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
        self._refused: list[tuple[Slice, Line]] = []
        self._reader = LineReader(loop, pseudonym_key)
        self.connection = connected(loop.logs.memory_mb, folder)
        self.columns = [field for field in schemas(loop)["predictions"].columns if field.name not in NOT_STAGED]
        kept = ", ".join(f"{quoted(field.name)} {TYPES[field.type]}" for field in self.columns)
        self.connection.execute(
            f"CREATE TEMP TABLE staged ({kept}, user_id VARCHAR, doubtful BOOLEAN, part INTEGER, number BIGINT)"
        )

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Close the database; an error of its own is one of the store.

        Raises
        ------
        StoreError
            If memory or disk did not suffice.
        """
        self.connection.close()
        if isinstance(error, duckdb.Error):
            raise StoreError(f"{self.loop.name}: logs could not be staged: {error}{remedy(error)}") from error

    def read(self, slices: Sequence[Slice], access: Access) -> None:
        """Read slices; where a file was written to meanwhile, the bytes that were listed are read again."""
        for group in grouped(slices):
            with ExitStack() as stack:
                for part in group:
                    self._begin(part, stack.enter_context(unpacked(part, access)))
                begun = range(len(self.parts) - len(group), len(self.parts))
                self._scan_all([self.parts[number] for number in begun])
                for number in begun:
                    part = self.parts[number].slice
                    if self.parts[number].doubtful is None or not part.is_unchanged():
                        self._begin_again(number, stack.enter_context(unpacked(part, access, copied=True)))
                    if not self.parts[number].is_settled:
                        self._look_at(self.parts[number])
        self._pass_on(at_least=1)

    def name_people(self) -> None:
        """Make the table ``people``: the pseudonym of every ``user_id``."""
        self.connection.execute("CREATE OR REPLACE TEMP TABLE people (user_id VARCHAR, user_key VARCHAR)")
        found = self.connection.sql("SELECT DISTINCT user_id FROM staged WHERE user_id IS NOT NULL").to_arrow_reader(
            CHUNK
        )
        for batch in list(found):
            people = batch.column(0).to_pylist()
            keys = pa.table({"user_id": people, "user_key": [pseudonym(person, self._key) for person in people]})
            insert(self.connection, "people", keys)

    def lines_of(self, wanted: Iterable[tuple[int, int]], access: Access) -> Iterator[tuple[tuple[int, int], Line]]:
        """Yield staged lines again as they were, by part and number in it."""
        by_part: dict[int, set[int]] = {}
        for part, number in wanted:
            by_part.setdefault(part, set()).add(number)
        for number, places in by_part.items():
            read = self.parts[number]
            with unpacked(read.slice, access) as path:
                opened = replace(read, scan=scan_of(self.loop, self.connection, path), doubtful=places)
                for place, line in opened.lines_to_look_at(self.connection):
                    yield (number, place), line

    def _begin(self, part: Slice, path: Path) -> None:
        latest = part.file.written_at + timedelta(seconds=self.loop.logs.clock_skew_seconds)
        self.parts.append(Part(part, len(self.parts), scan_of(self.loop, self.connection, path), latest))

    def _begin_again(self, number: int, path: Path) -> None:
        """Read a part from a copy that nobody writes to."""
        self.connection.execute("DELETE FROM staged WHERE part = ?", [number])
        scan = scan_of(self.loop, self.connection, path)
        self.parts[number] = replace(self.parts[number], scan=scan, lines=0, refused=0, doubtful=None)
        self._scan([self.parts[number]])

    def _scan_all(self, parts: Sequence[Part]) -> None:
        """Scan parts as one; where that cannot be done, each alone."""
        if len(parts) == 1 or not (all(part.scan.is_scannable for part in parts) and self._scan(parts)):
            for part in parts:
                self._scan([part])

    def _scan(self, parts: Sequence[Part]) -> bool:
        """Stage what can be read at once, and note the places of doubtful lines; False if something stops the scan."""
        if not all(part.scan.is_scannable for part in parts):
            return False
        among = [parts[0].number, parts[-1].number]
        try:
            if not (self._staged_together(parts) if len(parts) > 1 else self._staged(parts[0])):
                self.connection.execute("DELETE FROM staged WHERE part IS NULL OR part BETWEEN ? AND ?", among)
                return False
        except duckdb.Error as error:
            if told := remedy(error):
                raise StoreError(f"{parts[0].slice.source}: {error}{told}") from error
            self.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
            return False
        query = (
            "SELECT part, count(*), list(number) FILTER (doubtful) FROM staged WHERE part BETWEEN ? AND ? GROUP BY part"
        )
        found = {part: told for part, *told in self.connection.execute(query, among).fetchall()}
        for part in parts:
            part.lines, doubtful = found.get(part.number, (0, None))
            part.doubtful = set(doubtful or [])
        return True

    def _staged(self, part: Part) -> bool:
        rows = part.scan.rows(f"TIMESTAMPTZ {literal(part.latest.isoformat())}")
        self.connection.execute(
            f"INSERT INTO staged BY NAME SELECT {rows}, {part.number} AS part, row_number() OVER () AS number "
            f"FROM {part.scan.table()} AS line"
        )
        if part.scan.format == "csv":
            part.rejects = rejected(self.connection)
        return True

    def _staged_together(self, parts: Sequence[Part]) -> bool:
        """Stage several parts; False if the lines are not those that were counted."""
        with joined([(part.scan.path, part.number, part.latest) for part in parts]) as (path, places):
            scan = replace(parts[0].scan, path=path, leaves=loosest([part.scan.leaves for part in parts]))
            self.connection.register("places", places)
            staged = self.connection.execute(
                f"INSERT INTO staged BY NAME SELECT {scan.rows('places.latest')}, places.part, places.number "
                f"FROM {scan.table()} AS line POSITIONAL JOIN places"
            ).fetchone()
            self.connection.unregister("places")
        behind = self.connection.execute("DELETE FROM staged WHERE part IS NULL").fetchone()
        return (staged, behind) == ((places.num_rows + 1,), (1,))

    def _look_at(self, part: Part) -> None:
        """Settle what the scan could not, and read doubtful lines, or all, one by one."""
        if part.scan.problems:
            raw = "; ".join(
                reason for _, reason in part.scan.problems
            )  # the same on every run, for its digest is the key
            self._settle(part, [(0, Line(None, None, part.scan.problems, raw))])
            return
        self._settle(part, part.rejects)
        everything = part.doubtful is None
        self.connection.execute("DELETE FROM staged WHERE part = ? AND (doubtful OR ?)", [part.number, everything])
        lines = part.lines_to_look_at(self.connection)
        while chunk := list(islice(lines, CHUNK)):
            self._settle(part, chunk, counted=not everything)

    def _settle(self, part: Part, lines: list[tuple[int, Line]], *, counted: bool = False) -> None:
        """Put looked-at lines where they belong: among the staged rows, or to the refused."""
        rows, refused = [], []
        for number, line in lines:
            row, problems = self._row(line, part.latest)
            if problems:
                refused.append((part.slice, Line(line.number, line.record, problems, line.raw)))
            else:
                rows.append(row | {"part": part.number, "number": number, "doubtful": False})
        part.refused += len(refused)
        part.lines += 0 if counted else len(lines)
        if rows:
            types = {field.name: field.type for field in self.columns} | {"user_id": pa.string()}
            table = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in types.items()}
            table |= {name: pa.array([row[name] for row in rows]) for name in ("part", "number", "doubtful")}
            insert(self.connection, "staged", pa.table(table))
        self._refused += refused
        self._pass_on(at_least=CHUNK)

    def _pass_on(self, at_least: int) -> None:
        if len(self._refused) >= at_least:
            self._refuse(self._refused)
            self._refused = []

    def _row(self, line: Line, latest: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if line.record is None:
            return {}, line.problems
        columns, record = self.loop.logs.columns, line.record
        if columns or self.loop.logs.format in {"csv", "parquet"}:
            record = ours(columns, prediction_paths(self.loop), record)
        row, problems = self._reader.row(record, latest, "")
        return row | {"user_id": text_of(record.get("user_id"))}, problems
