"""What is still to be read: the window of a pull, and of each file in it the bytes that the ledger does not have."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow.compute as pc

from include.foundation.errors import ObjectChangedError
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access, LogFile
from include.foundation.store.scanning import Filter, scan
from include.stages.logs.pull import Pull
from include.stages.logs.slices.file_slices import Slice, cut_up, edges, is_divisible
from include.stages.logs.slices.read_ledger import Entry, entries_by_name, reader_digest, supersedes


def window_of(pull: Pull) -> Interval:
    """Return the interval with its look-back, and with all that no pull has looked at since the one before it."""
    dataset, latest = pull.store.dataset("files_read"), pull.interval.start
    if dataset is None:
        return pull.window
    earlier: Filter = [("kind", "=", pull.kind), ("interval_end", "<=", latest)]
    ends = [pc.max(batch.column(0)).as_py() for batch in scan(dataset, ["interval_end"], earlier) if batch.num_rows]
    start = max(ends, default=latest)
    return replace(pull.interval, start=start).widened(pull.loop.logs.look_back_hours)


def names_read(pull: Pull) -> set[str]:
    """Return the names of all files that were ever read."""
    dataset = pull.store.dataset("files_read")
    batches = [] if dataset is None else scan(dataset, ["name"], [("kind", "=", pull.kind)])
    return {name for batch in batches for name in batch.column(0).to_pylist()}


def unread_slices(pull: Pull, files: Iterable[LogFile], written_after: datetime) -> list[Slice]:
    """Return what was not read yet of files, cut into slices of at most ``logs.partition_mb``.

    Parameters
    ----------
    pull
        What is going to read them.
    files
        The files.
    written_after
        Aware datetime; none of the files was written before it.

    Raises
    ------
    StoreError
        If a table that the lines go to cannot be opened; no file is opened then.
    """
    for name in ("quarantine", pull.table):
        pull.store.open_table(name)
    past = entries_by_name(pull, [("reader", "=", reader_digest(pull)), ("written_at", ">=", written_after)])
    size = pull.loop.logs.partition_mb << 20
    return [
        file_slice
        for file in files
        if (gaps := _gaps(file, past.get(file.name, []), pull.access))
        for file_slice in cut_up(file, gaps, size)
    ]


def edges_of(file_slice: Slice, access: Access) -> str | None:
    """Return the edges of what is about to be read: whoever rewrites the file from now on changes them, and it is read anew.

    None of a file that has been rewritten or has gone since it was listed.
    """
    if not is_divisible(file_slice.file.name):
        return None
    if not file_slice.is_unchanged():
        path = Path(file_slice.file.uri)
        if not path.exists() or path.stat().st_size <= file_slice.file.size:
            return None
    with contextlib.suppress(ObjectChangedError):
        return edges(file_slice.file, file_slice.end, access)
    return None


def _gaps(file: LogFile, past: Sequence[Entry], access: Access) -> list[tuple[int, int]]:
    """Return the byte ranges of a file that were not read."""
    past = [entry for entry in past if not any(supersedes(other, entry) for other in past)]
    same = [entry for entry in past if entry.fingerprint == file.fingerprint]
    if not is_divisible(file.name):
        return [] if same else _holes([], file.size)
    holes = _holes(same, file.size)
    first_unread = _appended_from(file, past, access) if holes and past else 0
    return [(max(start, first_unread), end) for start, end in holes if end > first_unread]


def _holes(entries: Sequence[Entry], size: int) -> list[tuple[int, int]]:
    """Return the byte ranges up to a size that no entry covers."""
    holes, place = [], 0
    for entry in sorted(entries, key=lambda entry: entry.start_byte):
        if entry.start_byte > place:
            holes.append((place, entry.start_byte))
        place = max(place, entry.end_byte)
    return [*holes, (place, size)] if place < size else holes


def _appended_from(file: LogFile, past: Sequence[Entry], access: Access) -> int:
    """Return how much of a file was read before, however often it was appended to since; 0 if it was rewritten."""
    place = 0
    for entry in sorted(past, key=lambda entry: entry.end_byte):
        end = entry.end_byte
        of_one_state = [other for other in past if other.fingerprint == entry.fingerprint and other.end_byte <= end]
        is_whole = all(hole_end <= place for _, hole_end in _holes(of_one_state, end))
        if place < end <= file.size and is_whole and entry.edges == edges(file, end, access):
            place = end
    return place
