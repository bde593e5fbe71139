"""Pull one data interval of prediction logs into the store."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from include.foundation.digests import canonical_json, digest_of
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access, list_files
from include.foundation.store.bulk.day_batches import rows_between
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.landing import land
from include.stages.logs.landing.staging import Staging
from include.stages.logs.quarantine import refuse_lines
from include.stages.logs.rules.field_paths import check_columns
from include.stages.logs.slices.file_slices import Slice, partitions, without_unfinished_line
from include.stages.logs.slices.queries import query_slices, spooled
from include.stages.logs.slices.read_ledger import counts_of, edges_of, entry, note_read, unread_slices


@dataclass(frozen=True)
class PullReport:
    """Counts of one interval: the same however often it is pulled.

    ``rows`` are the interval's in the store. The others count what the interval's runs read: ``late`` and ``early`` rows lie
    before and after it, ``duplicates`` are repeats of equal content, kept once, ``refused`` lines are in quarantine.
    """

    rows: int
    late: int
    refused: int
    duplicates: int
    files: int
    early: int = 0


def pull_logs(store: LoopStore, interval: Interval, pseudonym_key: bytes, access: Access | None = None) -> PullReport:
    """Bring every line that was not read yet, of the files that may hold rows of an interval, into ``predictions``.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Files written since its look-back are read, once. Each row lands in its own day, also outside the interval.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.
    access
        What opens the source; by default the store's own credentials.

    Returns
    -------
    PullReport
        Counts of the interval.

    Raises
    ------
    ConfigError
        If the log folder does not exist.
    StoreError
        If a file cannot be read or a table not be committed.

    Notes
    -----
    The rule for repeated trace ids is in `include.stages.logs.landing.repeats`. A stored row whose file has gone stays; a file
    is read anew when the loop file changes what is read of it. Rows are committed before the ledger says that they were read:
    killed at any instruction and run again, a pull leaves the same rows.
    """
    access = access or Access(store.s3_client_options)
    for part in plan_pull(store, interval, access):
        pull_partition(store, interval, part, pseudonym_key, access)
        pa.default_memory_pool().release_unused()
    return report(store, interval)


def plan_pull(store: LoopStore, interval: Interval, access: Access) -> list[list[Slice]]:
    """Return what is to read in partitions of ``logs.partition_mb``; at least one, which is empty if nothing is new.

    A query is one partition a day. A last line that is still being written waits for the next pull, for the look-back at most.
    """
    logs = store.loop.logs
    check_columns(store.loop)
    window = interval.widened(logs.look_back_hours)
    if logs.format == "sql":
        return [[part] for part in query_slices(window)]
    after = window.start - timedelta(seconds=logs.clock_skew_seconds)
    files = list_files(str(logs.uri), logs.format, after, access.s3_options)
    unread = unread_slices(store, "logs", files, after, access)
    whole = [_settled_part(part, interval, timedelta(hours=logs.look_back_hours), access) for part in unread]
    return partitions([part for part in whole if part.end > part.start], logs.partition_mb << 20)


def write_plan(store: LoopStore, interval: Interval, plan: list[list[Slice]]) -> list[str]:
    """Write a plan beside the tables and return the key of each partition: what crosses a task boundary."""
    text = canonical_json([[part.to_json() for part in slices] for slices in plan])
    name = digest_of(interval.key, text)[:16]
    write_file(store, f"pulls/{name}.json", text)
    return [f"{name}:{number}" for number in range(len(plan))]


def planned(store: LoopStore, key: str) -> list[Slice]:
    """Return the slices of a partition that `write_plan` wrote."""
    name, _, number = key.partition(":")
    plan = json.loads(read_file(store, f"pulls/{name}.json"))
    return [Slice.from_json(part) for part in plan[int(number)]]


def pull_partition(
    store: LoopStore, interval: Interval, slices: Sequence[Slice], pseudonym_key: bytes, access: Access
) -> None:
    """Read slices and land their rows; partitions of one pull may be read at the same time.

    Raises
    ------
    ConfigError
        If a query is refused.
    StoreError
        If a file cannot be read or a table not be committed.
    """
    if not slices:
        return

    def refuse(lines: list[Any]) -> None:
        refuse_lines(store, "logs", interval, lines)

    seen = [edges_of(part, access) for part in slices]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="feedback-loop-"))
        ready = [stack.enter_context(spooled(part, store.loop.logs, access)) for part in slices]
        staging = stack.enter_context(Staging(store.loop, pseudonym_key, Path(folder), refuse))
        staging.read(ready, access)
        counts = land(staging, store, interval, access)
    note_read(
        store,
        [
            entry(store, "logs", part, begun, found, interval)
            for part, begun, found in zip(slices, seen, counts, strict=True)
        ],
    )


def _settled_part(part: Slice, interval: Interval, patience: timedelta, access: Access) -> Slice:
    being_written = abs(interval.end - part.file.written_at) < patience
    return without_unfinished_line(part, access) if being_written else part


def report(store: LoopStore, interval: Interval) -> PullReport:
    """Return the counts of an interval."""
    found = counts_of(store, "logs", interval)
    return PullReport(
        rows_between(store, "predictions", interval),
        found["late"],
        refused_in(store, interval).num_rows,
        found["duplicates"],
        found["files"],
        found["early"],
    )


def refused_in(store: LoopStore, interval: Interval) -> pa.Table:
    """Return the quarantined log lines that the interval's pull met first."""
    return store.read(
        "quarantine",
        filters=[("stage", "=", "logs"), ("interval_start", "=", interval.start), ("interval_end", "=", interval.end)],
    )
