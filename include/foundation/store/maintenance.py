"""Keep a store quick to open: merge small files, and delete what no task can be reading any more and what kills left behind."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deltalake import DeltaTable

from include.foundation.errors import NoSuchFileError, NothingToDo, StoreError
from include.foundation.store.compaction import EVERY, merge_small_files
from include.foundation.store.loop_files import FOLDER, read_file, write_file
from include.foundation.store.objects.object_store import StoredObject
from include.foundation.store.retention import grace, keeps_history
from include.foundation.store.table_advice import advice
from include.foundation.store.tables import LoopStore

NOTE = "maintained.txt"
MOST_OFTEN = timedelta(days=1)
PLANS, PLANS_KEPT = f"{FOLDER}/pulls/", timedelta(days=30)  # a failed pull is cleared long before
UNFINISHED = re.compile(r"\.part$|#\d+$")  # what we, and Delta, write before a file gets its name
PASSING = re.compile(f"{UNFINISHED.pattern}|^{PLANS}")
LOG = "_delta_log"


@dataclass(frozen=True)
class MaintenanceReport:
    """How many small files were merged, and how many files of tables, entries of their logs and other files were deleted."""

    merged: int = 0
    files: int = 0
    log_entries: int = 0
    left_behind: int = 0

    def __add__(self, other: "MaintenanceReport") -> "MaintenanceReport":
        return MaintenanceReport(
            self.merged + other.merged, self.files + other.files, self.log_entries + other.log_entries,
            self.left_behind + other.left_behind,
        )  # fmt: skip


def maintain_store(store: LoopStore, *, at_once: bool = False) -> MaintenanceReport:
    """Merge the small files of every table, shorten its log, and delete files that nobody needs.

    No row changes. Earlier versions of ``labels`` and ``draws``, which datasets are, stay for ``labels.history_days``, for good
    by default; those of any other table for `grace`, which is longer than a task that reads one can work. It may meet readers
    and writers, and be killed anywhere and run again.

    Parameters
    ----------
    store
        Tables of the loop.
    at_once
        Whether to do it even if it was done within the last day.

    Raises
    ------
    NothingToDo
        If it was.
    StoreError
        If a table cannot be read or written.
    """
    now = datetime.now(UTC)
    last = _last(store)
    if last is not None and not at_once and now - last < min(grace(store.loop), MOST_OFTEN):
        raise NothingToDo(f"The store was maintained at {last:%Y-%m-%d %H:%M} UTC; once a day is enough")
    report = MaintenanceReport()
    for name in store.table_names:
        report += _maintain_table(store, name)
    report += MaintenanceReport(left_behind=_delete(store, _left_behind(store, now)))
    write_file(store, NOTE, now.isoformat())
    return report


def _last(store: LoopStore) -> datetime | None:
    """Return when the store was maintained last; None if never."""
    try:
        return datetime.fromisoformat(read_file(store, NOTE).decode())
    except (NoSuchFileError, ValueError):
        return None


def _maintain_table(store: LoopStore, name: str) -> MaintenanceReport:
    table = store.open_table(name)
    if table is None:
        return MaintenanceReport()
    try:
        store.set_properties(store.table_schema(name))
        merged = _merge(table, is_partitioned=bool(store.table_schema(name).partition_by))
        before = len(store.objects.names_in(f"{store.uri}/{name}/{LOG}"))
        table.cleanup_metadata()
        entries = before - len(store.objects.names_in(f"{store.uri}/{name}/{LOG}"))
        table.update_incremental()
        files = _delete(store, (f"{store.uri}/{name}/{path}" for path in _dead_files(store, name, table)))
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"{store.uri}/{name}: could not be maintained: {error}{advice(error)}") from error
    return MaintenanceReport(merged, files, entries)


def _merge(table: DeltaTable, *, is_partitioned: bool) -> int:
    """Merge the small files of a table; one that is not partitioned is rewritten as a whole, so only if it has many."""
    table.update_incremental()
    return merge_small_files(table) if is_partitioned or len(table.file_uris()) > EVERY else 0


def _dead_files(store: LoopStore, name: str, table: DeltaTable) -> set[str]:
    """Return the files that no version which is kept refers to, nor a task that may still be at work.

    Delta knows which those are: removed ones whose time, a property of the table, is up, and ones that its log does not know
    and that are as old. Where versions are kept for longer than `grace`, a file that the log does not know is dead after that
    already, unless an entry of the log names it after all: checkpoints forget what was removed before the property was set.
    """
    dead = set(table.vacuum(full=True))
    if not keeps_history(name):
        return dead
    hours = math.ceil(grace(store.loop) / timedelta(hours=1))
    known, all_dead = (
        set(table.vacuum(retention_hours=hours, enforce_retention_duration=False, full=full)) for full in (False, True)
    )
    unknown = all_dead - known
    entries = _log_entries(store, name) if unknown else []
    return dead | {path for path in unknown if not any(path in entry for entry in entries)}


def _log_entries(store: LoopStore, name: str) -> list[str]:
    folder = f"{store.uri}/{name}/{LOG}"
    names = [entry for entry in store.objects.names_in(folder) if entry.endswith(".json")]
    return [store.objects.read(f"{folder}/{entry}").decode() for entry in names]


def _left_behind(store: LoopStore, now: datetime) -> Iterator[str]:
    """Yield what killed tasks left half written, and the plans of old pulls."""
    oldest = now - grace(store.loop)
    for stored in store.objects.objects_in(store.uri, PASSING) or []:
        if (UNFINISHED.search(stored.name) and stored.written_at < oldest) or _is_old_plan(stored, now):
            yield stored.uri


def _is_old_plan(stored: StoredObject, now: datetime) -> bool:
    return stored.name.startswith(PLANS) and stored.written_at < now - PLANS_KEPT


def _delete(store: LoopStore, uris: Iterable[str]) -> int:
    deleted = 0
    for uri in uris:
        store.objects.delete(uri)
        deleted += 1
    return deleted
