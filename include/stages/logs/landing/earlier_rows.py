"""The rows of the store that staged rows may repeat: those with the same trace ids; each file of the table is read once."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.intervals import moved
from include.foundation.lines.refusals import REPEATED
from include.foundation.store.bulk.appending import FileAction
from include.foundation.store.bulk.file_rows import Rows, column_with_places, files_by_day, picked_rows
from include.foundation.store.bulk.rewriting import without_rows
from include.foundation.store.scanning import Filter, scan
from include.stages.logs.landing.scratch import insert
from include.stages.logs.landing.staged_rows import TYPES
from include.stages.logs.landing.staging import Staging
from include.stages.logs.rules.sql_text import quoted

# The day of a row, 1 on the first of January of year 1, before which no time is: `//` rounds towards 0. A cast to DATE would
# ask the calendar of the time zone, and take longer.
DAY = "((epoch_us(ts) + 62135683200000000) // 86400000000)"
STAGED_IDS = (
    "CREATE OR REPLACE TEMP TABLE staged_ids AS SELECT hash(trace_id) AS id, count(*) AS lines FROM staged GROUP BY id"
)
MATCHES = """
CREATE OR REPLACE TEMP TABLE matches AS
SELECT file, row FROM stored_ids SEMI JOIN staged_ids ON hash(stored_ids.trace_id) = staged_ids.id
"""
DISPLACE = """
INSERT INTO gone SELECT file, row FROM displaced;
DELETE FROM stored USING displaced WHERE stored.file = displaced.file AND stored.row = displaced.row
"""
REFUSED_BEFORE = """
CREATE OR REPLACE TEMP TABLE refused_before AS
SELECT trace_id, ts, source, CASE WHEN line IS NULL THEN md5(raw) END AS digest_as_row
FROM refused_rows SEMI JOIN staged_ids ON hash(refused_rows.trace_id) = staged_ids.id
"""


class EarlierRows:
    """Keep what the store has of the staged rows' trace ids, within reach of their days, in tables beside them.

    ``stored`` has the rows of ``predictions`` with the number of their ``file`` and their ``row`` in it, ``gone`` the places of
    those that give way, ``refused_before`` the repeats in ``quarantine``, and ``staged_ids`` the hashed trace ids that were at
    first staged (``id``) and in how many ``lines``.

    Parameters
    ----------
    staging
        The staged rows.

    Notes
    -----
    Only ``trace_id`` is read of every row in reach, a row group at a time; a whole row only where its trace id is staged. When
    another writer was faster, only the files that it has written are read.
    """

    def __init__(self, staging: Staging) -> None:
        self._store, self._database = staging.pull.store, staging.connection
        self._staging = staging
        self._staged_days: list[date] = []
        self._dataset: Any = None
        self._numbers: dict[str, int] = {}  # of the files that were read, by their paths
        self._days: dict[str, str] = {}  # of all files in reach, by their paths
        self._columns = self._store.schema("predictions")
        columns = ", ".join(f"{quoted(column.name)} {TYPES[column.type]}" for column in self._columns)
        self._database.execute(
            f"CREATE OR REPLACE TEMP TABLE stored ({columns}, file INTEGER, row BIGINT);"
            "CREATE OR REPLACE TEMP TABLE gone (file INTEGER, row BIGINT)"
        )

    def look_up(self, version: int | None) -> bool:
        """Bring the tables to a version of ``predictions``; tell whether any rows were staged.

        Raises
        ------
        StoreError
            If a file of the table cannot be read.
        """
        if not self._staged_days:  # of all that came: what has been refused since still decides who stays
            self._staged_days = staged_days(self._staging)
            self._database.execute(STAGED_IDS)
        if not self._staged_days:
            return False
        reach = self._staging.pull.loop.logs.repeat_days
        around = {day.toordinal() + step for day in self._staged_days for step in range(-reach, reach + 1)}
        days = [date.fromordinal(n).isoformat() for n in sorted(around) if 1 <= n <= date.max.toordinal()]
        self._read_files(days, version)
        self._read_quarantine(days)
        return True

    def set_aside_displaced(self) -> None:
        """Take the rows that `find_repeats` found displaced out of ``stored``, into ``gone``."""
        self._database.execute(DISPLACE)

    def rewritten_files(self, repetitive: Sequence[str]) -> Iterator[list[FileAction]]:
        """Write each file with rows in ``gone`` anew without them, and yield what commits that.

        Parameters
        ----------
        repetitive
            Text columns with few distinct values.

        Raises
        ------
        StoreError
            If a file cannot be read or written.
        """
        for path, number in self._numbers.items():
            query = "SELECT row FROM gone WHERE file = ? ORDER BY row"
            rows = np.asarray(self._database.execute(query, [number]).fetchnumpy()["row"], np.int64)
            if rows.size:
                yield without_rows(
                    self._store, "predictions", self._days[path], (self._dataset, path), rows, repetitive
                )

    def _read_files(self, days: Sequence[str], version: int | None) -> None:
        self._dataset = dataset = self._store.dataset("predictions", [("day", "in", days)], version)
        self._days = files_by_day(dataset, days)
        gone = [self._numbers.pop(path) for path in self._numbers.keys() - self._days.keys()]
        for table in ("stored", "gone"):
            self._database.execute(f"DELETE FROM {table} WHERE list_contains(?, file)", [gone])
        new = [path for path in self._days if path not in self._numbers]
        if not new:
            return
        first = max(self._numbers.values(), default=-1) + 1
        self._numbers |= {path: first + place for place, path in enumerate(new)}
        self._database.register("stored_ids", column_with_places(dataset, new, "trace_id"))
        self._database.execute(MATCHES)
        self._database.unregister("stored_ids")
        for (place,) in self._database.execute("SELECT DISTINCT file FROM matches ORDER BY file").fetchall():
            query = "SELECT row FROM matches WHERE file = ? ORDER BY row"
            rows = np.asarray(self._database.execute(query, [place]).fetchnumpy()["row"], np.int64)
            self._keep_rows(picked_rows(dataset, new[place], rows, self._columns), new[place], rows)
        pa.default_memory_pool().release_unused()  # the database is about to compare the rows

    def _keep_rows(self, tables: Iterable[pa.Table], path: str, places: Rows) -> None:
        """Keep the rows at some places of a file, whose column ``day`` is in its path instead."""
        begin, day = 0, pa.scalar(self._days[path])
        for rows in tables:
            end = begin + len(rows)
            with_day = rows.set_column(rows.column_names.index("day"), "day", pa.repeat(day, len(rows)))
            number = pa.repeat(pa.scalar(self._numbers[path], pa.int32()), len(rows))
            insert(
                self._database,
                "stored",
                with_day.append_column("file", number).append_column("row", pa.array(places[begin:end])),
            )
            begin = end

    def _read_quarantine(self, days: Sequence[str]) -> None:
        start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (days[0], days[-1]))
        in_reach: Filter = [("ts", ">=", start), ("ts", "<", moved(end, timedelta(days=1)))]
        columns = self._store.schema("quarantine")
        wanted = pa.schema([columns.field(name) for name in ("trace_id", "ts", "source", "line", "raw")])
        dataset = self._store.dataset("quarantine")
        repeats = [] if dataset is None else scan(dataset, wanted.names, [("reason_code", "=", REPEATED), *in_reach])
        self._database.register("refused_rows", pa.RecordBatchReader.from_batches(wanted, repeats))
        self._database.execute(REFUSED_BEFORE)
        self._database.unregister("refused_rows")


def staged_days(staging: Staging) -> list[date]:
    """Return the days, in UTC, of the staged rows."""
    days = staging.connection.execute(f"SELECT DISTINCT {DAY} AS day FROM staged ORDER BY day").fetchall()
    return [date.fromordinal(day) for (day,) in days]
