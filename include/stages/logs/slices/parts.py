"""The slices of a partition while they are read: how each is scanned, and its lines one by one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from include.foundation.lines.line_files import Line, picked_lines
from include.stages.logs.rules.scans import Scan
from include.stages.logs.slices.file_slices import Slice

CHUNK = 20_000


@dataclass
class Part:
    """A slice that is read.

    Attributes
    ----------
    slice
        The slice.
    number
        Its place in the partition.
    scan
        How its lines are scanned, while they are there.
    latest
        Latest plausible timestamp of a line.
    lines, refused
        Number of lines, and of those that were refused one by one.
    doubtful
        Places of lines to look at; None for all.
    rejects
        Lines that are no rows of a CSV file.
    """

    slice: Slice
    number: int
    scan: Scan
    latest: datetime
    lines: int = 0
    refused: int = 0
    doubtful: set[int] | None = None
    rejects: list[tuple[int, Line]] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether the scan was sure about every line."""
        return self.doubtful == set() and not self.rejects

    def lines_to_look_at(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, Line]]:
        """Yield doubtful lines, or all, by their places from 1."""
        if self.doubtful is None:
            yield from enumerate(self.scan.lines(), start=1)
        elif self.scan.record_query is None:
            yield from picked_lines(self.scan.path, self.doubtful, self.lines)
        else:
            wanted = pa.table({"number": pa.array(sorted(self.doubtful), pa.int64())})
            connection.execute("CREATE OR REPLACE TABLE wanted (number BIGINT)")
            insert(connection, "wanted", wanted)
            rows = connection.cursor().execute(self.scan.record_query)
            while batch := rows.fetchmany(CHUNK):
                yield from ((number, Line(number, json.loads(text), [], text)) for number, text in batch)


def rejected(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, Line]]:
    """Take the lines of the CSV file just scanned that have not as many cells as the header, or broken quotes."""
    query = "SELECT line, any_value(csv_line), string_agg(error_message, '; ') FROM reject_errors GROUP BY line"
    found = connection.execute(query).fetchall()
    connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return [
        (number, Line(number, None, [("not_csv", str(why))], str(raw).rstrip("\r\n"))) for number, raw, why in found
    ]


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Insert rows into a table, by the names of their columns."""
    connection.register("arriving", rows)
    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM arriving")  # noqa: S608 - a table of ours
    connection.unregister("arriving")
