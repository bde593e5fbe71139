"""Refused lines: kept with every reason, so that nothing is lost."""

from collections.abc import Iterable
from typing import Any

from include.logs.reading import Line
from include.logs.slices import Slice
from include.logs.values import moment_of
from include.store.digests import digest_of
from include.store.interval import Interval
from include.store.rows import rows_of
from include.store.tables import LoopStore


def refusal(stage: str, source: str, line: Line, interval: Interval | None) -> dict[str, Any]:
    """Return the quarantine row of a refused line: every reason, the raw text, and a key from the content."""
    record = line.record or {}
    trace_id = record.get("trace_id")
    return {
        "refusal_id": digest_of(stage, source, line.number, line.raw),
        "stage": stage,
        "interval_start": interval.start if interval else None,
        "interval_end": interval.end if interval else None,
        "source": source,
        "line": line.number,
        "trace_id": trace_id if isinstance(trace_id, str) else None,
        "ts": moment_of(record.get("ts")),
        "reason_code": line.problems[0][0],
        "reason": "; ".join(reason for _, reason in line.problems),
        "raw": line.raw,
    }


def refuse_lines(store: LoopStore, stage: str, interval: Interval, lines: Iterable[tuple[Slice, Line]]) -> None:
    """Put refused lines into quarantine, once however often they are met."""
    rows = [refusal(stage, part.source, line, interval) for part, line in lines]
    if rows:
        sources = sorted({row["source"] for row in rows})
        store.append_new("quarantine", rows_of(store.loop, "quarantine", rows), [("source", "in", sources)])
