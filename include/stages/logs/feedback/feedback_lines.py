"""What users and sensors say about predictions."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import pyarrow as pa

from include.foundation.digests import canonical_json
from include.foundation.intervals import Interval, moved
from include.foundation.lines.line_files import Line
from include.foundation.lines.records import records
from include.foundation.lines.sources import Access, list_files
from include.foundation.lines.values import Problem, moment_of, pseudonym, short, text_of
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.logs.feedback.feedback_joins import hold_back_bursts, orphaned
from include.stages.logs.quarantine import refuse_lines
from include.stages.logs.rules.field_paths import ours
from include.stages.logs.slices.file_slices import Slice, without_unfinished_line
from include.stages.logs.slices.queries import is_query, query_slices, spooled
from include.stages.logs.slices.read_ledger import counts_of, edges_of, entry, note_read, unread_slices

KINDS = ("explicit", "implicit", "automated")
FIELDS = ("feedback_id", "trace_id", "ts", "kind", "signal", "value", "comment", "user_id", "consent", "source")
CHUNK = 20_000


@dataclass(frozen=True)
class FeedbackReport:
    """Counts of what an interval's runs read: the same however often it is pulled.

    ``without_consent`` lines were left out because their author did not consent; they are kept nowhere. ``held_back``
    signals are part of a burst, and ``orphans`` are about predictions that have not come yet.
    """

    rows: int
    refused: int
    without_consent: int
    duplicates: int = 0
    held_back: int = 0
    orphans: int = 0


def pull_feedback(
    store: LoopStore, interval: Interval, pseudonym_key: bytes, access: Access | None = None
) -> FeedbackReport:
    """Append the feedback lines that were not read yet; without a source there are none.

    Lines are joined to their prediction by trace id when they are used, so one that comes before its prediction is kept.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Files written before it and its look-back are not read.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.
    access
        What opens the source; by default the store's own credentials.

    Raises
    ------
    ConfigError
        If the folder does not exist, or a query is refused.
    StoreError
        If a file cannot be read or a table not be committed.
    """
    if not store.loop.feedback.given:
        return FeedbackReport(0, 0, 0)
    access = access or Access(store.s3_client_options)
    entries = []
    for part in _unread(store, interval, access):
        seen = edges_of(part, access)
        counts = dict.fromkeys(("lines", "rows", "refused", "duplicates", "without_consent"), 0)
        with ExitStack() as stack:
            ready = stack.enter_context(spooled(part, store.loop.feedback, access))
            lines = records(stack.enter_context(ready.opened(access, copied=not is_query(part))))
            while chunk := list(islice(lines, CHUNK)):
                _take_in(store, interval, (part, chunk), pseudonym_key, counts)
        entries.append(entry(store, "feedback", part, seen, counts, interval))
    note_read(store, entries)
    found = counts_of(store, "feedback", interval)
    left_out = found["lines"] - found["rows"] - found["refused"] - found["duplicates"]
    held = hold_back_bursts(store, interval)
    return FeedbackReport(
        found["rows"], found["refused"], left_out, found["duplicates"], held, orphaned(store, interval)
    )


def _unread(store: LoopStore, interval: Interval, access: Access) -> Iterable[Slice]:
    source, window = store.loop.feedback, interval.widened(store.loop.logs.look_back_hours)
    if source.format == "sql":
        return query_slices(window)
    files = list_files(str(source.uri), source.format, window.start, access.s3_options)
    unread = unread_slices(store, "feedback", files, window.start, access)
    return [part for part in (without_unfinished_line(part, access) for part in unread) if part.end > part.start]


def _take_in(
    store: LoopStore, interval: Interval, found: tuple[Slice, list[Line]], pseudonym_key: bytes, counts: dict[str, int]
) -> None:
    """Store a chunk of lines, and count what became of each."""
    part, lines = found
    rows, refused = [], []
    for line in lines:
        record = _ours(store, line)
        problems = line.problems or _problems(record)
        if not _consents(store, record):  # kept nowhere, not even if it is broken
            counts["without_consent"] += 1
        elif problems:
            refused.append((part, Line(line.number, record, problems, line.raw)))
        else:
            rows.append(_row(record, pseudonym_key, part.file.name))
    refuse_lines(store, "feedback", interval, refused)
    new = _appended(store, rows)
    again = {row["feedback_id"] for row in rows} - new
    again -= _of_other_files(store, again, part.file.name)
    counts["lines"] += len(lines)
    counts["refused"] += len(refused)
    counts["rows"] += len(new) + len(again)
    counts["duplicates"] += len(rows) - len(new) - len(again)


def _appended(store: LoopStore, rows: list[dict[str, Any]]) -> set[str]:
    """Append the signals that are new and return their ids."""
    if not rows:
        return set()
    moments = [row["ts"] for row in rows]
    reach = timedelta(days=store.loop.logs.repeat_days)
    among = [("ts", ">=", moved(min(moments), -reach)), ("ts", "<=", moved(max(moments), reach))]
    fresh: pa.Table = store.append_new("feedback", rows_of(store.loop, "feedback", rows), among)
    return set(fresh.column("feedback_id").to_pylist())


def _of_other_files(store: LoopStore, ids: set[str], file: str) -> set[str]:
    """Return which signals a line of another file brought."""
    if not ids:
        return set()
    found = store.read(
        "feedback", columns=["feedback_id"], filters=[("file", "!=", file), ("feedback_id", "in", list(ids))]
    )
    return set(found.column("feedback_id").to_pylist())


def _ours(store: LoopStore, line: Line) -> dict[str, Any]:
    return ours(store.loop.feedback.columns, [(name,) for name in FIELDS], line.record or {})


def _consents(store: LoopStore, record: Mapping[str, Any]) -> bool:
    """Tell whether a line may be kept: not where consent was refused, nor where it is required and not given."""
    given = record.get("consent")
    if given is None:
        return not record or store.loop.feedback.consent == "assumed"
    return given is True or str(given).lower() in {"true", "1", "yes"}


def _problems(record: Mapping[str, Any]) -> list[Problem]:
    problems = [
        ("missing_field", f"{name}: got {short(record.get(name))}, expected a string that is not empty")
        for name in ("feedback_id", "trace_id", "signal")
        if not isinstance(record.get(name), str) or not record[name]
    ]
    if moment_of(record.get("ts")) is None:
        problems.append(("bad_timestamp", f"ts: got {short(record.get('ts'))}, expected ISO 8601"))
    if record.get("kind") not in KINDS:
        problems.append(("unknown_kind", f"kind: got {short(record.get('kind'))}, expected one of {', '.join(KINDS)}"))
    return problems


def _row(record: Mapping[str, Any], pseudonym_key: bytes, file: str) -> dict[str, Any]:
    return {
        **{name: record[name] for name in ("feedback_id", "trace_id", "kind", "signal")},
        "ts": moment_of(record["ts"]),
        "value": None if record.get("value") is None else canonical_json(record["value"]),
        "comment": text_of(record.get("comment")),
        "user_key": pseudonym(record.get("user_id"), pseudonym_key),
        "source": text_of(record.get("source")),
        "file": file,
    }
