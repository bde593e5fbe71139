"""Pull one data interval of prediction logs into the store."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyarrow as pa

from include.logs.log_lines import LineReader, moment_of
from include.logs.reading import Line, read_lines
from include.logs.sources import LogFile, list_files
from include.store.digests import canonical_json, digest_of
from include.store.interval import Interval
from include.store.tables import LoopStore, rows_of


@dataclass(frozen=True)
class PullReport:
    """Counts of one interval: the same however often it is pulled.

    ``late`` rows lie in the look-back before the interval; ``duplicates`` are byte-equal repeats, kept once.
    """

    rows: int
    late: int
    refused: int
    duplicates: int
    files: int


@dataclass
class _Found:
    """What the files hold for a window."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by trace_id
    refused: list[dict[str, Any]] = field(default_factory=list)
    files: int = 0


@dataclass
class _Settled:
    """Which rows stay, which are refused, and how many equal repeats the files had of the interval's."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0


def pull_logs(store: LoopStore, interval: Interval, pseudonym_key: bytes) -> PullReport:
    """Bring the rows of an interval, and late ones of the look-back before it, into ``predictions``.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Rows with ``start <= ts < end`` are pulled; rows outside are left to the runs of their own intervals.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.

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
    Rule for repeated trace ids: the earliest ``ts`` is kept, then the smallest canonical JSON; but a row that the store
    has outside the look-back and the interval stays. Equal rows count as duplicates; different ones go to quarantine as
    ``repeated_trace_id``. A stored row whose file has gone stays; one whose line is still there is read anew, so that a
    changed loop file holds for it. Broken lines go to quarantine once, under the interval that met them first.
    """
    window = interval.widened(store.loop.logs.look_back_hours)
    found = _find(store, window, interval, pseudonym_key)
    attempts: list[_Settled] = []

    def settle(stored: pa.Table) -> pa.Table:
        settled = _settle(store, found, stored, (window, interval))
        attempts.append(settled)
        # before the rows: one that loses may be in no file any more, and a kill must not lose it
        store.append_new("quarantine", rows_of(store.loop, "quarantine", settled.refused))
        return rows_of(store.loop, "predictions", settled.kept)

    store.replace_between("predictions", settle, window.start, window.end)
    kept, duplicates = attempts[-1].kept, attempts[-1].duplicates
    own = sum(row["ts"] >= interval.start for row in kept)
    return PullReport(own, len(kept) - own, len(refused_in(store, interval)), duplicates, found.files)


def refused_in(store: LoopStore, interval: Interval) -> pa.Table:
    """Return the quarantined log lines that the interval's pull met first."""
    return store.read(
        "quarantine",
        filters=[("stage", "=", "logs"), ("interval_start", "=", interval.start), ("interval_end", "=", interval.end)],
    )


def refusal(stage: str, source: str, line: Line, interval: Interval | None) -> dict[str, Any]:
    """Return the quarantine row of a refused line: every reason, the raw text, and a key from the content."""
    trace_id = (line.record or {}).get("trace_id")
    return {
        "refusal_id": digest_of(stage, source, line.number, line.raw),
        "stage": stage,
        "interval_start": interval.start if interval else None,
        "interval_end": interval.end if interval else None,
        "source": source,
        "line": line.number,
        "trace_id": trace_id if isinstance(trace_id, str) else None,
        "reason_code": line.problems[0][0],
        "reason": "; ".join(reason for _, reason in line.problems),
        "raw": line.raw,
    }


def _find(store: LoopStore, window: Interval, interval: Interval, pseudonym_key: bytes) -> _Found:
    found, logs = _Found(), store.loop.logs
    skew = timedelta(seconds=logs.clock_skew_seconds)
    reader = LineReader(store.loop, pseudonym_key)
    for file in list_files(logs.uri, logs.format, window.start - skew, store.s3_client_options):
        found.files += 1
        for line in _lines(file, store):
            _sort_in(line, file, reader, found, (window, interval))
    return found


def _lines(file: LogFile, store: LoopStore) -> Iterator[Line]:
    with file.opened(store.s3_client_options) as path:
        yield from read_lines(path, store.loop.logs.format)


def _sort_in(line: Line, file: LogFile, reader: LineReader, found: _Found, spans: tuple[Interval, Interval]) -> None:
    """Put one line where it belongs: the window's rows, quarantine, or nowhere because its time is another run's."""
    window, interval = spans
    if line.record is None:
        found.refused.append(refusal("logs", file.name, line, interval))
        return
    skew = timedelta(seconds=reader.loop.logs.clock_skew_seconds)
    row, problems = reader.row(line.record, file.written_at + skew, file.name)
    moment = moment_of(line.record.get("ts"))
    inside = moment is None or window.start <= moment < window.end or "from_the_future" in dict(problems)
    if not inside:
        return
    if problems:
        refused = Line(line.number, line.record, problems, line.raw)
        found.refused.append(refusal("logs", file.name, refused, interval))
    else:
        row["_line"] = line
        found.rows.setdefault(row["trace_id"], []).append(row)


def _settle(store: LoopStore, found: _Found, stored: pa.Table, spans: tuple[Interval, Interval]) -> _Settled:
    """Keep one row a trace id, of what the files hold and what the store has in the window."""
    window, interval = spans
    settled, taken = _Settled(refused=list(found.refused)), _elsewhere(store, window)
    for trace_id, rows in _with_stored(found, stored).items():
        best, *others = sorted(rows, key=lambda row: (row["ts"], _content(row), row["source"] or ""))
        if trace_id in taken and "_line" in best:
            settled.refused.append(_repeated(best, interval))
        else:
            settled.kept.append({name: value for name, value in best.items() if name != "_line"})
        kept_text = _content(best)
        for row in others:
            if _content(row) != kept_text:
                settled.refused.append(_repeated(row, interval))
            elif "_line" in row and "_line" in best and row["ts"] >= interval.start:
                settled.duplicates += 1
    return settled


def _with_stored(found: _Found, stored: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of files and store by trace id, without the stored ones whose line has been read anew."""
    merged = {trace_id: list(rows) for trace_id, rows in found.rows.items()}
    for row in stored.to_pylist():
        rows = merged.setdefault(row["trace_id"], [])
        if not any((row["ts"], row["source"]) == (other["ts"], other["source"]) for other in rows):
            rows.append(row)
    return merged


def _elsewhere(store: LoopStore, window: Interval) -> set[str]:
    """Return the trace ids that the store has outside the window."""
    outside = [[("ts", "<", window.start)], [("ts", ">=", window.end)]]
    found = [store.read("predictions", columns=["trace_id"], filters=filters) for filters in outside]
    return {trace_id for rows in found for trace_id in rows.column(0).to_pylist()}


def _repeated(row: dict[str, Any], interval: Interval) -> dict[str, Any]:
    """Return the refusal of a row whose trace id is taken: of its line, or of the stored row if the line has gone."""
    reason = f"trace_id: {row['trace_id']} was used before by another prediction; trace ids must be unique"
    line = row.get("_line") or Line(None, row, [], _content(row))
    again = Line(line.number, line.record, [("repeated_trace_id", reason)], line.raw)
    return refusal("logs", row["source"] or "predictions", again, interval)


def _content(row: dict[str, Any]) -> str:
    return canonical_json(
        {name: value for name, value in row.items() if name not in {"_line", "source"} and value is not None}
    )


def _between(window: Interval) -> list[tuple[str, str, Any]]:
    return [("ts", ">=", window.start), ("ts", "<", window.end)]
