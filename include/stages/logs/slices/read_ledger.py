"""The ledger of what was read: a file is read once, and only what was appended to it is read again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access, LogFile
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.file_slices import Slice, cut_up, edges, is_divisible

RULES = 1  # raise it when the rules of reading change: every file in the look-back is then read anew
COUNTS = ("lines", "rows", "late", "early", "duplicates", "refused")
Entry = Mapping[str, Any]


def reader_digest(loop: Loop, kind: str) -> str:
    """Return the digest of what decides how a line is read: another one, and files are read anew."""
    if kind == "feedback":
        return digest_of(RULES, loop.feedback.model_dump(include={"format", "columns", "consent"}))
    inputs = {name: item.model_dump() for name, item in loop.inputs.items()}
    return digest_of(RULES, loop.task.classes, inputs, loop.segments, loop.logs.format, loop.logs.columns)


def unread_slices(
    store: LoopStore, kind: str, files: Iterable[LogFile], after: datetime, access: Access
) -> list[Slice]:
    """Return what of the files was not read yet, cut into slices of at most ``logs.partition_mb``.

    Raises
    ------
    StoreError
        If a table that what is read is written to cannot be opened: before any file is.
    """
    for name in ("quarantine", "feedback" if kind == "feedback" else "predictions"):
        store.open_table(name)
    reader = reader_digest(store.loop, kind)
    past: dict[str, list[Entry]] = {}
    filters = [("kind", "=", kind), ("reader", "=", reader), ("written_at", ">=", after)]
    for row in store.read("files_read", filters=filters).to_pylist():
        past.setdefault(row["name"], []).append(row)
    size = store.loop.logs.partition_mb << 20
    return [
        part
        for file in files
        if (gaps := _gaps(file, past.get(file.name, []), access))
        for part in cut_up(file, gaps, size)
    ]


def entry(store: LoopStore, kind: str, part: Slice, read_edges: str | None, counts: Mapping[str, int],
          interval: Interval) -> dict[str, Any]:  # fmt: skip
    """Return the ledger row of a slice that was read; its `edges_of` are of before."""
    return {
        "kind": kind, "name": part.file.name, "fingerprint": part.file.fingerprint,
        "reader": reader_digest(store.loop, kind), "start_byte": part.start, "end_byte": part.end,
        "edges": read_edges, "written_at": part.file.written_at,
        "interval_start": interval.start, "interval_end": interval.end, **{name: counts.get(name, 0) for name in COUNTS},
    }  # fmt: skip


def edges_of(part: Slice, access: Access) -> str | None:
    """Return the edges of what is about to be read: whoever rewrites the file from now on changes them, and it is read anew.

    None of a file that has been rewritten or has gone since it was listed.
    """
    if not is_divisible(part.file.name):
        return None
    if not part.is_unchanged():
        path = Path(part.file.uri)
        if not path.exists() or path.stat().st_size <= part.file.size:
            return None
    return edges(part.file, part.end, access)


def were_read_before(store: LoopStore, kind: str, slices: Sequence[Slice]) -> list[bool]:
    """Tell of each slice whether other contents of its bytes, or other rules, were read before; of a query, any answer."""
    reader, past = reader_digest(store.loop, kind), dict[str, list[Entry]]()
    names = sorted({part.file.name for part in slices})
    columns = ["name", "fingerprint", "reader", "end_byte"]
    for row in store.read(
        "files_read", columns=columns, filters=[("kind", "=", kind), ("name", "in", names)]
    ).to_pylist():
        past.setdefault(row["name"], []).append(row)
    return [
        any(
            row["fingerprint"] == "query"
            or (row["end_byte"] > part.start and (row["fingerprint"], row["reader"]) != (part.file.fingerprint, reader))
            for row in past.get(part.file.name, [])
        )
        for part in slices
    ]


def note_read(store: LoopStore, entries: Iterable[Mapping[str, Any]]) -> None:
    """Write down what was read, after its rows are in the tables: killed before, the same slices are read again.

    The answer of a query may change, so its entry is replaced.
    """
    rows = rows_of(store.loop, "files_read", list(entries))
    if rows.num_rows == 0:
        return
    if set(rows.column("fingerprint").to_pylist()) == {"query"}:
        store.update_rows("files_read", rows)
        return
    oldest = min(rows.column("written_at").to_pylist())
    kind = rows.column("kind")[0].as_py()
    store.append_new("files_read", rows, [("kind", "=", kind), ("written_at", ">=", oldest)])


def counts_of(store: LoopStore, kind: str, interval: Interval) -> dict[str, int]:
    """Return the counts of what the runs of an interval read, and the number of ``files``."""
    rows = store.read(
        "files_read",
        filters=[("kind", "=", kind), ("interval_start", "=", interval.start), ("interval_end", "=", interval.end)],
    ).to_pylist()
    return {name: sum(row[name] for row in rows) for name in COUNTS} | {"files": len({row["name"] for row in rows})}


def _gaps(file: LogFile, past: list[Entry], access: Access) -> list[tuple[int, int]]:
    """Return the byte ranges of a file that were not read."""
    same = [row for row in past if row["fingerprint"] == file.fingerprint]
    if not is_divisible(file.name):
        return [] if same else _holes([], file.size)
    holes = _holes(same, file.size)
    begun = _appended_from(file, past, access) if holes and past else 0
    return [(max(start, begun), end) for start, end in holes if end > begun]


def _holes(entries: list[Entry], size: int) -> list[tuple[int, int]]:
    holes, place = [], 0
    for row in sorted(entries, key=lambda row: row["start_byte"]):
        if row["start_byte"] > place:
            holes.append((place, row["start_byte"]))
        place = max(place, row["end_byte"])
    return [*holes, (place, size)] if place < size else holes


def _appended_from(file: LogFile, past: list[Entry], access: Access) -> int:
    """Return how much of a file was read before, however often it was appended to since; 0 if it was rewritten."""
    place = 0
    for row in sorted(past, key=lambda row: int(row["end_byte"])):
        end = int(row["end_byte"])
        once = [other for other in past if other["fingerprint"] == row["fingerprint"] and other["end_byte"] <= end]
        whole = all(hole_end <= place for _, hole_end in _holes(once, end))
        if place < end <= file.size and whole and row["edges"] == edges(file, end, access):
            place = end
    return place
