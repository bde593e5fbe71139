"""Pull one data interval of prediction logs into the store: plan it, read its partitions, report."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from include.foundation.digests import canonical_json, digest_of
from include.foundation.errors import StoreError
from include.foundation.intervals import Interval, moved
from include.foundation.lines.sources import Access, LogFile, NotRead, files_and_others, told_others
from include.foundation.store.bulk.day_batches import rows_between
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.foundation.store.scanning import scan
from include.foundation.store.tables import LoopStore
from include.stages.logs.landing.landing import land
from include.stages.logs.landing.part_scans import DatabaseLostError
from include.stages.logs.landing.staging import Staging
from include.stages.logs.partition_refusals import Refusals
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import MOST_PARTITIONS, Slice, partitions, without_unfinished_line
from include.stages.logs.slices.ledger_check import demand_agreement
from include.stages.logs.slices.queries import query_slices, spooled
from include.stages.logs.slices.read_ledger import Counts, Entry, note_read, read_in
from include.stages.logs.slices.unread_slices import edges_of, names_read, unread_slices, window_of

OVERLOOKED = (
    "{} files were never read, and are older than what this run reads; the oldest is {}, last written at "
    "{:%Y-%m-%dT%H:%M:%S%z}. To read them, run observe by hand with an earlier start, or renew their modification times."
)


@dataclass(frozen=True)
class PullReport:
    """Counts of one interval: the same however often it is pulled.

    Attributes
    ----------
    rows
        The interval's rows in the store.
    late, early
        Rows before and after the interval that its runs read.
    refused
        Lines in quarantine.
    duplicates
        Lines whose content was there already.
    files
        Files that the interval's runs read.
    """

    rows: int
    late: int
    refused: int
    duplicates: int
    files: int
    early: int = 0


class PullPlan(NamedTuple):
    """What a pull reads.

    Attributes
    ----------
    partitions
        Slices, by the task that reads them.
    overlooked
        Files that no pull has read and this one does not read either, because they were last written before its window.
    others
        What else was written in the window and is not read, with the reasons.
    """

    partitions: list[list[Slice]]
    overlooked: Sequence[LogFile] = ()
    others: Sequence[NotRead] = ()

    @property
    def warnings(self) -> list[str]:
        """What a person should know of what is not read."""
        told = []
        if self.overlooked:
            oldest = min(self.overlooked, key=lambda file: file.written_at)
            told.append(OVERLOOKED.format(len(self.overlooked), oldest.name, oldest.written_at))
        return [*told, *told_others(self.others)]


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
    pull = Pull("logs", store, interval, pseudonym_key, access or Access(store.s3_client_options))
    for slices in plan_pull(pull).partitions:
        pull_partition(pull, slices)
        pa.default_memory_pool().release_unused()
    return report(store, interval)


def plan_pull(pull: Pull) -> PullPlan:
    """Return what is to read in partitions of ``logs.partition_mb``; at least one, which is empty if nothing is new.

    What was not looked at since the last pull before the interval is read as well, however long ago that was.

    A query is one partition a day, or one for several days where there would be too many. A last line that is still being
    written waits for the next pull, for the look-back at most.

    Raises
    ------
    ConfigError
        If the log folder does not exist.
    StoreError
        If files cannot be listed or read, a table cannot be opened, or rows that were read are gone (`RowsGoneError`).
    """
    demand_agreement(pull.store)
    logs = pull.loop.logs
    if logs.format == "sql":
        days = query_slices(window_of(pull))
        each = -(-len(days) // MOST_PARTITIONS)
        return PullPlan([days[first : first + each] for first in range(0, len(days), each)])
    written_after = moved(window_of(pull).start, -timedelta(seconds=logs.clock_skew_seconds))
    files, others = files_and_others(str(logs.uri), logs.format, pull.access.s3_options)
    recent = [file for file in files if file.written_at >= written_after]
    slices = [_without_line_being_written(one, pull) for one in unread_slices(pull, recent, written_after)]
    unread = [file_slice for file_slice in slices if file_slice.end > file_slice.start]
    read = names_read(pull) if len(recent) < len(files) else set()
    overlooked = [file for file in files if file.written_at < written_after and file.name not in read]
    lately = [file for file in others if file.written_at >= written_after]
    return PullPlan(partitions(unread, logs.partition_mb << 20), overlooked, lately)


def write_plan(pull: Pull, plan: Sequence[Sequence[Slice]]) -> list[str]:
    """Write a plan beside the tables and return the key of each partition: what crosses a task boundary."""
    text = canonical_json([[file_slice.to_json() for file_slice in slices] for slices in plan])
    name = digest_of(pull.interval.key, text)[:16]
    write_file(pull.store, f"pulls/{name}.json", text)
    return [f"{name}:{number}" for number in range(len(plan))]


def planned(store: LoopStore, key: str) -> list[Slice]:
    """Return the slices of a partition that `write_plan` wrote."""
    name, _, number = key.partition(":")
    plan = json.loads(read_file(store, f"pulls/{name}.json"))
    return [Slice.from_json(file_slice) for file_slice in plan[int(number)]]


def pull_partition(pull: Pull, slices: Sequence[Slice]) -> None:
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
    note_taxonomy(pull.store, pull.interval.start)
    edges_before = [edges_of(file_slice, pull.access) for file_slice in slices]
    refusals = Refusals(pull, slices)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        readable = [stack.enter_context(spooled(file_slice, pull)) for file_slice in slices]
        staging = stack.enter_context(_staged(pull, folder, refusals, readable))
        counts = land(staging)
    read = zip(staging.parts, slices, edges_before, counts, strict=True)
    refusals.settle([part.file_slice for part in staging.parts if not part.is_gone])
    entries = [Entry.of_slice(pull, one, edges, count) for part, one, edges, count in read if not part.is_gone]
    note_read(pull.store, entries)


@contextmanager
def _staged(pull: Pull, folder: Path, refusals: Refusals, slices: Sequence[Slice]) -> Iterator[Staging]:
    """Give slices staged; what ends the database, as some broken Parquet files do, is read line by line, from the beginning."""
    mistrusted: set[str] = set()
    while True:
        with Staging(pull, folder, refusals.put, mistrusted) as staging:
            try:
                staging.read(slices)
            except DatabaseLostError as lost:
                if lost.sources <= mistrusted:
                    raise StoreError(f"{pull.loop.name}: logs could not be staged: {lost}") from lost
                mistrusted |= lost.sources
                continue
            yield staging
            return


def report(store: LoopStore, interval: Interval) -> PullReport:
    """Return the counts of an interval."""
    entries = read_in(store, "logs", interval)
    counts = sum((entry.counts for entry in entries), Counts())
    return PullReport(
        rows=rows_between(store, "predictions", interval),
        late=counts.late,
        refused=refused_in(store, interval),
        duplicates=counts.duplicates,
        files=len({entry.name for entry in entries}),
        early=counts.early,
    )


def refused_in(store: LoopStore, interval: Interval) -> int:
    """Return how many log lines that the interval's pull met first are in quarantine."""
    dataset = store.dataset("quarantine")
    of_pull = [("stage", "=", "logs"), ("interval_start", "=", interval.start), ("interval_end", "=", interval.end)]
    return 0 if dataset is None else sum(batch.num_rows for batch in scan(dataset, ["refusal_id"], of_pull))


def _without_line_being_written(file_slice: Slice, pull: Pull) -> Slice:
    """Return a slice without an unfinished last line, if the file was written so lately that the rest may still come."""
    patience = timedelta(hours=pull.loop.logs.look_back_hours)
    is_recent = abs(pull.interval.end - file_slice.file.written_at) < patience
    return without_unfinished_line(file_slice, pull.access) if is_recent else file_slice
