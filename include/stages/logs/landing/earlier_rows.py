"""The rows of the store that staged rows may repeat: found by their trace ids, in each file of the table once."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from include.foundation.intervals import moved
from include.foundation.store.bulk.file_rows import column_with_places, files_by_day, picked_rows
from include.foundation.store.scanning import Filter, scan
from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.staging import TYPES, Staging
from include.stages.logs.rules.sql import quoted
from include.stages.logs.slices.parts import insert

REPEATED = "repeated_trace_id"
# The day of a row, 1 on the first of January of year 1, before which no time is: `//` rounds towards 0. A cast to DATE would
# ask the calendar of the time zone, and take longer.
DAY = "((epoch_us(ts) + 62135683200000000) // 86400000000)"
FRESH = "CREATE OR REPLACE TEMP TABLE fresh AS SELECT hash(trace_id) AS h, count(*) AS times FROM staged GROUP BY h"
HITS = """
CREATE OR REPLACE TEMP TABLE hits AS SELECT file, row FROM ids SEMI JOIN fresh ON hash(ids.trace_id) = fresh.h
"""
REFUSED_BEFORE = """
CREATE OR REPLACE TEMP TABLE refused_before AS
SELECT * FROM refused_ids SEMI JOIN fresh ON hash(refused_ids.trace_id) = fresh.h
"""


class EarlierRows:
    """Keep what the store has of the staged rows' trace ids, within reach of their days, in tables beside them.

    ``stored`` has the rows of ``predictions`` and the number of their ``file``, ``refused_before`` the repeats in
    ``quarantine``, ``fresh`` the hashed trace ids that are staged (``h``) and how often (``times``).

    Parameters
    ----------
    staging
        The staged rows.
    store
        Tables of the loop.

    Notes
    -----
    Only ``trace_id`` is read of every row in reach, a row group at a time; whole rows only where it is one of the staged ones.
    When another writer was first, only the files are looked at that it has written.
    """

    def __init__(self, staging: Staging, store: LoopStore) -> None:
        self._staging, self._store = staging, store
        self._numbers: dict[str, int] = {}  # of the files looked at
        self._columns = store.schema("predictions")
        columns = ", ".join(f"{quoted(field.name)} {TYPES[field.type]}" for field in self._columns)
        staging.connection.execute(f"CREATE OR REPLACE TEMP TABLE stored ({columns}, file INTEGER)")

    def look_up(self, version: int | None) -> bool:
        """Bring the tables to a version of ``predictions``; tell whether any rows are staged.

        Raises
        ------
        StoreError
            If a file of the table cannot be read.
        """
        found = staged_days(self._staging)
        if not found:
            return False
        self._staging.connection.execute(FRESH)
        reach = self._staging.loop.logs.repeat_days
        around = {day.toordinal() + step for day in found for step in range(-reach, reach + 1)}
        days = [date.fromordinal(n).isoformat() for n in sorted(around) if 1 <= n <= date.max.toordinal()]
        self._look_at_files(days, version)
        self._look_at_quarantine(days)
        return True

    def _look_at_files(self, days: Sequence[str], version: int | None) -> None:
        database = self._staging.connection
        dataset = self._store.dataset("predictions", [("day", "in", days)], version)
        there = files_by_day(dataset, days)
        gone = [self._numbers.pop(path) for path in self._numbers.keys() - there.keys()]
        database.execute("DELETE FROM stored WHERE list_contains(?, file)", [gone])
        new = [path for path in there if path not in self._numbers]
        if not new:
            return
        first = max(self._numbers.values(), default=-1) + 1
        self._numbers |= {path: first + place for place, path in enumerate(new)}
        database.register("ids", column_with_places(dataset, new, "trace_id"))
        database.execute(HITS)
        database.unregister("ids")
        for (place,) in database.execute("SELECT DISTINCT file FROM hits ORDER BY file").fetchall():
            self._keep(dataset, new[place], there[new[place]], place)

    def _keep(self, dataset: object, path: str, day: str, place: int) -> None:
        database = self._staging.connection
        rows = database.execute("SELECT row FROM hits WHERE file = ? ORDER BY row", [place]).fetchnumpy()["row"]
        for found in picked_rows(dataset, path, np.asarray(rows, np.int64), self._columns):
            of_day = found.set_column(found.column_names.index("day"), "day", pa.repeat(pa.scalar(day), len(found)))
            number = pa.repeat(pa.scalar(self._numbers[path], pa.int32()), len(found))
            insert(database, "stored", of_day.append_column("file", number))

    def _look_at_quarantine(self, days: Sequence[str]) -> None:
        start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (days[0], days[-1]))
        in_reach: Filter = [("ts", ">=", start), ("ts", "<", moved(end, timedelta(days=1)))]
        columns = self._store.schema("quarantine")
        wanted = pa.schema([columns.field(name) for name in ("trace_id", "ts", "source", "line", "raw")])
        dataset = self._store.dataset("quarantine")
        repeats = [] if dataset is None else scan(dataset, wanted.names, [("reason_code", "=", REPEATED), *in_reach])
        found = pa.RecordBatchReader.from_batches(wanted, repeats)
        database = self._staging.connection
        database.register("refused_ids", found)
        database.execute(REFUSED_BEFORE)
        database.unregister("refused_ids")


def staged_days(staging: Staging) -> list[date]:
    """Return the days, in UTC, of the staged rows."""
    found = staging.connection.execute(f"SELECT DISTINCT {DAY} AS day FROM staged ORDER BY day").fetchall()
    return [date.fromordinal(day) for (day,) in found]
