"""The rows of the store that staged rows may repeat: those with the same trace ids; each file of the table is read once."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from include.foundation.intervals import moved
from include.foundation.store.bulk.file_rows import column_with_places, files_by_day, picked_rows
from include.foundation.store.scanning import Filter, scan
from include.stages.logs.landing.scratch import insert
from include.stages.logs.landing.staging import TYPES, Staging
from include.stages.logs.rules.sql_text import quoted

REPEATED = "repeated_trace_id"
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
REFUSED_BEFORE = """
CREATE OR REPLACE TEMP TABLE refused_before AS
SELECT * FROM refused_rows SEMI JOIN staged_ids ON hash(refused_rows.trace_id) = staged_ids.id
"""


class EarlierRows:
    """Keep what the store has of the staged rows' trace ids, within reach of their days, in tables beside them.

    ``stored`` has the rows of ``predictions`` with the number of their ``file``, ``refused_before`` the repeats in
    ``quarantine``, and ``staged_ids`` the hashed trace ids that are staged (``id``) and in how many ``lines``.

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
        self._numbers: dict[str, int] = {}  # of the files that were read, by their paths
        self._columns = self._store.schema("predictions")
        columns = ", ".join(f"{quoted(column.name)} {TYPES[column.type]}" for column in self._columns)
        self._database.execute(f"CREATE OR REPLACE TEMP TABLE stored ({columns}, file INTEGER)")

    def look_up(self, version: int | None) -> bool:
        """Bring the tables to a version of ``predictions``; tell whether any rows are staged.

        Raises
        ------
        StoreError
            If a file of the table cannot be read.
        """
        staged = staged_days(self._staging)
        if not staged:
            return False
        self._database.execute(STAGED_IDS)
        reach = self._staging.pull.loop.logs.repeat_days
        around = {day.toordinal() + step for day in staged for step in range(-reach, reach + 1)}
        days = [date.fromordinal(n).isoformat() for n in sorted(around) if 1 <= n <= date.max.toordinal()]
        self._read_files(days, version)
        self._read_quarantine(days)
        return True

    def _read_files(self, days: Sequence[str], version: int | None) -> None:
        dataset = self._store.dataset("predictions", [("day", "in", days)], version)
        day_by_file = files_by_day(dataset, days)
        gone = [self._numbers.pop(path) for path in self._numbers.keys() - day_by_file.keys()]
        self._database.execute("DELETE FROM stored WHERE list_contains(?, file)", [gone])
        new = [path for path in day_by_file if path not in self._numbers]
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
            self._keep_rows(picked_rows(dataset, new[place], rows, self._columns), new[place], day_by_file[new[place]])

    def _keep_rows(self, tables: Iterable[pa.Table], path: str, day: str) -> None:
        """Keep rows of a file, whose column ``day`` is in its path instead."""
        for rows in tables:
            with_day = rows.set_column(rows.column_names.index("day"), "day", pa.repeat(pa.scalar(day), len(rows)))
            number = pa.repeat(pa.scalar(self._numbers[path], pa.int32()), len(rows))
            insert(self._database, "stored", with_day.append_column("file", number))

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
