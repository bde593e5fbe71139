"""The landing of staged rows in ``predictions``: deduplicate them against what is there, write their files, commit once."""

import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from include.foundation.errors import StoreError
from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import REPEATED
from include.foundation.lines.values import Problem
from include.foundation.store.bulk.appending import FileAction, add_files, discard, write_day
from include.foundation.uris import is_remote
from include.stages.logs.landing.earlier_rows import DAY, EarlierRows, staged_days
from include.stages.logs.landing.repeats import Repeats, find_repeats, stored_content
from include.stages.logs.landing.staged_rows import make_people
from include.stages.logs.landing.staging import CHUNK, Staging
from include.stages.logs.quarantine import RefusedLine, refuse
from include.stages.logs.rules.sql_text import literal, quoted
from include.stages.logs.slices.read_ledger import Counts

ATTEMPTS = 100  # a pull of many partitions commits as often
ROWS = 1 << 16
MANY = 20_000  # repeats: for fewer, to write what DuckDB holds to the disk and read it again takes longer than all else
NO_SOURCE = "predictions"
# A line whose row was stored, and has given way since, is in quarantine already: as that row, without a number.
NEW_REPEATS = """
SELECT part, number FROM left_out JOIN candidates USING (part, number) WHERE why = 'repeated' AND NOT EXISTS (
    FROM refused_before AS gone WHERE gone.trace_id = candidates.trace_id AND gone.source = candidates.source
    AND gone.ts = candidates.ts AND gone.digest_as_row = candidates.digest)
"""
SET_ASIDE = """
INSERT INTO set_aside SELECT part, ts, why FROM left_out JOIN staged USING (part, number);
DELETE FROM staged USING left_out WHERE staged.part = left_out.part AND staged.number = left_out.number
"""


def land(staging: Staging) -> list[Counts]:
    """Commit the staged rows that stay; return the counts of each part.

    Repeats are in quarantine before anything is committed, and stored rows give way in the commit of the rows that they give
    way to: killed in between, the same partition is read again.

    Raises
    ------
    StoreError
        If a file cannot be written, or other writers were faster in every attempt.
    """
    store = staging.pull.store
    make_people(staging.connection, staging.pull.user_key)
    staging.connection.execute("CREATE TEMP TABLE set_aside (part INTEGER, ts TIMESTAMPTZ, why VARCHAR)")
    earlier = EarlierRows(staging)
    for attempt in range(ATTEMPTS):
        version = store.version("predictions")
        with _room_for(_take_out_all_repeats(staging, earlier, version), staging):
            is_committed = _commit(staging, earlier, version)
        if is_committed:
            return _counts(staging)
        time.sleep(random.uniform(0, 0.05 * (attempt + 1)))  # noqa: S311 - so that writers do not collide again
    raise StoreError(f"{store.uri}/predictions: {ATTEMPTS} attempts lost to other writers; run the task again")


def _room_for(repeats: int, staging: Staging) -> AbstractContextManager[None]:
    """Let the database hold little where there are many repeats: Python and the store hold them as well."""
    return staging.memory_given_back() if repeats >= MANY else nullcontext()


def _take_out_all_repeats(staging: Staging, earlier: EarlierRows, version: int | None) -> int:
    """Take out and refuse what does not stay until all is compared, and return how many rows that was."""
    rounds = [_take_out_repeats(staging, earlier, version)]
    while rounds[-1].read_anew:
        rounds.append(_take_out_repeats(staging, earlier, version))
    return sum(repeats.left_out + repeats.displaced for repeats in rounds)


def _take_out_repeats(staging: Staging, earlier: EarlierRows, version: int | None) -> Repeats:
    """Take out and refuse what does not stay, staged or stored."""
    repeats = find_repeats(staging, earlier, version)
    if repeats.left_out or repeats.displaced:
        with _room_for(repeats.left_out + repeats.displaced, staging):
            _refuse_repeated_lines(staging)
            _refuse_displaced_rows(staging)
        staging.connection.execute(SET_ASIDE)  # for good: whatever another writer adds, what lost has lost
        earlier.set_aside_displaced()
    return repeats


def _commit(staging: Staging, earlier: EarlierRows, version: int | None) -> bool:
    """Write a file a day and commit all at once; tell whether no other writer had committed since the version."""
    store, repetitive = staging.pull.store, _repetitive_columns(staging)
    days = [day.isoformat() for day in staged_days(staging)]
    files: list[FileAction] = []
    is_sent = False
    try:
        for changes in earlier.rewritten_files(repetitive):
            files += changes
        for day in days:
            file = write_day(store, "predictions", day, _rows(staging, day, alone=len(days) == 1), repetitive)
            files += [file] if file else []
        is_sent = True  # from here on the commit may be there, or arrive yet, whatever is raised
        if not files or add_files(store, "predictions", files, version):
            return True
    except BaseException as error:
        if not is_sent or (isinstance(error, StoreError) and not is_remote(store.uri)):
            discard(store, "predictions", files)
        raise
    discard(store, "predictions", files)
    return False


def _rows(staging: Staging, day: str, *, alone: bool) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a day with the columns of the table but ``day``; ``alone`` if no other day is staged."""
    names = [field.name for field in staging.pull.store.schema("predictions") if field.name != "day"]
    condition = "" if alone else f"WHERE {DAY} = {date.fromisoformat(day).toordinal()}"
    query = (
        f"SELECT {', '.join(map(quoted, names))} FROM staged LEFT JOIN people USING (user_id) "
        f"JOIN sources USING (part) {condition}"
    )
    yield from staging.connection.sql(query).to_arrow_reader(ROWS)


def _repetitive_columns(staging: Staging) -> list[str]:
    """Return the text columns that have few values, so that a dictionary makes them small."""
    loop = staging.pull.loop
    inputs = [loop.input_columns[name] for name, item in loop.inputs.items() if item.type == "categorical"]
    return [
        "model_version",
        "predicted",
        "taxonomy",
        "user_key",
        "source",
        "source_id",
        *inputs,
        *loop.segment_columns.values(),
    ]


def _refuse_repeated_lines(staging: Staging) -> None:
    """Put the staged lines that are repeats into quarantine, as they were read."""
    repeats = staging.connection.execute(NEW_REPEATS)
    places: dict[int, set[int]] = {}
    while some := repeats.fetchmany(CHUNK):
        for part_number, number in some:
            places.setdefault(part_number, set()).add(number)
    lines = (
        RefusedLine(part.file_slice, line.refused_for([_repeated((line.record or {}).get("trace_id"))]))
        for part, line in staging.lines_at(places)
    )
    staging.refuse(lines)


def _refuse_displaced_rows(staging: Staging) -> None:
    """Put the stored rows that turned out to be repeats into quarantine."""
    query = (
        f"SELECT source, stored.trace_id, stored.ts, {stored_content(staging)} AS content FROM stored "
        "JOIN displaced USING (file, row) WHERE why = 'repeated'"
    )
    displaced = staging.connection.sql(query).to_arrow_reader(CHUNK)
    rows = (row for batch in displaced for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    lines = ((source or NO_SOURCE, _stored_line(trace_id, ts, content)) for source, trace_id, ts, content in rows)
    refuse(staging.pull, lines)


def _stored_line(trace_id: str, ts: datetime, content: str) -> Line:
    return Line(None, {"trace_id": trace_id, "ts": ts}, [_repeated(trace_id)], content)


def _repeated(trace_id: Any) -> Problem:
    return Problem(REPEATED, f"trace_id: {trace_id} was used before by another prediction; trace ids must be unique")


def _counts(staging: Staging) -> list[Counts]:
    """Return what became of the lines of each part."""
    interval = staging.pull.interval
    start, end = (
        f"TIMESTAMPTZ {literal(moment.astimezone(UTC).isoformat())}" for moment in (interval.start, interval.end)
    )
    query = f"""
        SELECT part, count(*) FILTER (has_landed AND ts >= {start} AND ts < {end}),
            count(*) FILTER (has_landed AND ts < {start}), count(*) FILTER (has_landed AND ts >= {end}),
            count(*) FILTER (why = 'duplicate'), count(*) FILTER (why = 'repeated')
        FROM (SELECT part, ts, 'landed' AS why, true AS has_landed FROM staged
              UNION ALL SELECT part, ts, why, why = 'stored already' FROM set_aside)
        GROUP BY part"""
    by_part = {number: Counts(0, *counted) for number, *counted in staging.connection.execute(query).fetchall()}
    return [
        by_part.get(part.number, Counts()) + Counts(lines=part.lines, refused=part.refused) for part in staging.parts
    ]
