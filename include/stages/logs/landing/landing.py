"""Land staged rows in ``predictions``: settle them against what is there, write their files, commit once."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from include.foundation.errors import StoreError
from include.foundation.intervals import Interval
from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import refusal
from include.foundation.lines.sources import Access
from include.foundation.store.bulk.appending import add_files, delete_rows, discard, write_day
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.earlier_rows import DAY, REPEATED, EarlierRows, staged_days
from include.stages.logs.landing.repeats import settle, stored_content
from include.stages.logs.landing.staging import Staging
from include.stages.logs.quarantine import refuse_lines
from include.stages.logs.rules.sql import literal, quoted
from include.stages.logs.slices.parts import CHUNK

ATTEMPTS = 100  # a pull of many partitions commits as often
ROWS = 1 << 16
NO_SOURCE = "predictions"
# A line whose row has given way to another one since is in quarantine as that row, without a number.
NEW_REPEATS = """
SELECT part, number FROM left_out JOIN contenders USING (part, number) WHERE why = 'repeated' AND NOT EXISTS (
    FROM refused_before AS gone WHERE gone.line IS NULL AND gone.trace_id = contenders.trace_id
    AND gone.source = contenders.source AND gone.ts = contenders.ts AND md5(gone.raw) = contenders.digest)
"""
SET_ASIDE = """
INSERT INTO set_aside SELECT part, ts, why FROM left_out JOIN staged USING (part, number);
DELETE FROM staged USING left_out WHERE staged.part = left_out.part AND staged.number = left_out.number
"""


def land(staging: Staging, store: LoopStore, interval: Interval, access: Access) -> list[dict[str, int]]:
    """Commit the staged rows that stay; return the counts of each part.

    Repeats are in quarantine before anything is committed, and stored rows that must give way go in a commit of their own
    before the rows they give way to: killed in between, the same partition is read again.

    Raises
    ------
    StoreError
        If a file cannot be written, or other writers were first in every attempt.
    """
    staging.name_people()
    staging.connection.execute("CREATE TEMP TABLE set_aside (part INTEGER, ts TIMESTAMPTZ, why VARCHAR)")
    earlier = EarlierRows(staging, store)
    for attempt in range(ATTEMPTS):
        version = store.version("predictions")
        settled = settle(staging, store, earlier, version)
        if settled.left_out or settled.taken_out:
            _quarantine_repeats(staging, store, interval, access)
            staging.connection.execute(SET_ASIDE)  # for good: whatever another writer adds, what lost has lost
        if settled.taken_out:
            _take_out(staging, store, version)
            continue
        if _commit(staging, store, version):
            return _counts(staging, interval)
        time.sleep(random.uniform(0, 0.05 * (attempt + 1)))  # noqa: S311 - writers that collided should not again
    raise StoreError(f"{store.uri}/predictions: {ATTEMPTS} attempts lost to other writers; run the task again")


def _commit(staging: Staging, store: LoopStore, version: int | None) -> bool:
    days = [day.isoformat() for day in staged_days(staging)]
    written: list[Any] = []
    done = False
    try:
        for day in days:
            file = write_day(
                store, "predictions", day, _rows(staging, store, day, alone=len(days) == 1), _repetitive(store)
            )
            written += [file] if file else []
        done = not written or add_files(store, "predictions", written, version)
    finally:
        if not done:
            discard(store, "predictions", written)
    return done


def _rows(staging: Staging, store: LoopStore, day: str, *, alone: bool) -> Iterator[pa.RecordBatch]:
    """Yield a day's rows that stay, with the columns of the table but ``day``."""
    names = [field.name for field in store.schema("predictions") if field.name != "day"]
    condition = "" if alone else f"WHERE {DAY} = {date.fromisoformat(day).toordinal()}"
    query = (
        f"SELECT {', '.join(map(quoted, names))} FROM staged LEFT JOIN people USING (user_id) "
        f"JOIN parts USING (part) {condition}"
    )
    yield from staging.connection.sql(query).to_arrow_reader(ROWS)


def _repetitive(store: LoopStore) -> list[str]:
    """Return the text columns of which values come again and again."""
    loop = store.loop
    inputs = [loop.input_columns[name] for name, item in loop.inputs.items() if item.type == "categorical"]
    return ["model_version", "predicted", "user_key", "source", *inputs, *loop.segment_columns.values()]


def _quarantine_repeats(staging: Staging, store: LoopStore, interval: Interval, access: Access) -> None:
    wanted = staging.connection.execute(NEW_REPEATS).fetchall()
    chunk: list[Any] = []
    for (part, _), line in staging.lines_of(wanted, access):
        trace_id = (line.record or {}).get("trace_id")
        chunk.append((staging.parts[part].slice, Line(line.number, line.record, [_repeated(trace_id)], line.raw)))
        if len(chunk) >= CHUNK:
            refuse_lines(store, "logs", interval, chunk)
            chunk = []
    refuse_lines(store, "logs", interval, chunk)
    stored = staging.connection.execute(
        f"SELECT source, stored.trace_id, stored.ts, {stored_content(staging)} FROM stored "
        "JOIN taken_out USING (trace_id, day) WHERE why = 'repeated'"
    ).fetchall()
    rows = [
        refusal("logs", source or NO_SOURCE, _stored_line(trace_id, ts, text), interval)
        for source, trace_id, ts, text in stored
    ]
    if rows:
        store.append_new("quarantine", rows_of(store.loop, "quarantine", rows))


def _stored_line(trace_id: str, ts: datetime, text: str) -> Line:
    return Line(None, {"trace_id": trace_id, "ts": ts}, [_repeated(trace_id)], text)


def _repeated(trace_id: Any) -> tuple[str, str]:
    return REPEATED, f"trace_id: {trace_id} was used before by another prediction; trace ids must be unique"


def _take_out(staging: Staging, store: LoopStore, version: int | None) -> None:
    rows = staging.connection.execute("SELECT day, list(DISTINCT trace_id) FROM taken_out GROUP BY day").fetchall()
    parts = [f"(day = {literal(day)} AND trace_id IN ({', '.join(map(literal, ids))}))" for day, ids in rows]
    if version is not None:
        delete_rows(store, "predictions", " OR ".join(parts), version)


def _counts(staging: Staging, interval: Interval) -> list[dict[str, int]]:
    """Return lines, rows, late, early, duplicates and refused of each part; the first is the sum of the others."""
    bounds = [f"TIMESTAMPTZ {literal(moment.astimezone(UTC).isoformat())}" for moment in (interval.start, interval.end)]
    query = f"""
        SELECT part, count(*) FILTER (landed AND ts >= {bounds[0]} AND ts < {bounds[1]}),
            count(*) FILTER (landed AND ts < {bounds[0]}), count(*) FILTER (landed AND ts >= {bounds[1]}),
            count(*) FILTER (why = 'duplicate'), count(*) FILTER (why = 'repeated')
        FROM (SELECT part, ts, 'landed' AS why, true AS landed FROM staged
              UNION ALL SELECT part, ts, why, why = 'again' FROM set_aside)
        GROUP BY part"""
    found = {row[0]: row[1:] for row in staging.connection.execute(query).fetchall()}
    names = ("rows", "late", "early", "duplicates", "refused")
    counts = [dict(zip(names, found.get(number, [0] * 5), strict=True)) for number in range(len(staging.parts))]
    return [
        {**count, "lines": part.lines, "refused": count["refused"] + part.refused}
        for part, count in zip(staging.parts, counts, strict=True)
    ]
