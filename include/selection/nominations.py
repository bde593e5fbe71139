"""Rows that people point at."""

import json

import pyarrow as pa

from include.store.tables import LoopStore

SIGNALS = ("report", "correction")
LONGEST_COMMENT = 120


def reported_comments(store: LoopStore, rows: pa.Table) -> dict[int, str]:
    """Return the reason of each row that a user reported or corrected, by its position among ``rows``.

    Only explicit feedback counts; of several signals about a row the newest speaks.
    """
    feedback = store.read("feedback", filters=[("signal", "in", list(SIGNALS)), ("kind", "=", "explicit")])
    said = {row["trace_id"]: _reason(row) for row in feedback.sort_by("ts").to_pylist()}
    ids = rows.column("trace_id").to_pylist()
    return {place: said[trace_id] for place, trace_id in enumerate(ids) if trace_id in said}


def _reason(row: dict[str, str | None]) -> str:
    comment = row["comment"] or (f"should be {json.loads(row['value'])}" if row["value"] else "no comment")
    return f"reported by a user: {comment[:LONGEST_COMMENT]}"
