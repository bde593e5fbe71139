"""Rows that people point at."""

import json
from datetime import datetime

from include.selection.frame import Frame, sampling_frame
from include.store.tables import Filter, LoopStore

SIGNALS = ("report", "correction")
LONGEST_COMMENT = 120


def reported_rows(store: LoopStore, end: datetime, seed: object) -> tuple[Frame, dict[str, str]]:
    """Return the rows before ``end`` that users reported or corrected and that were not asked about, of any earlier day too.

    Only explicit feedback counts; of several signals about a row the newest speaks.

    Returns
    -------
    tuple of Frame and dict
        The rows, and the reason of each by its content key: near duplicates are reported together.
    """
    feedback = store.read("feedback", filters=[("signal", "in", list(SIGNALS)), ("kind", "=", "explicit")])
    said = {row["trace_id"]: _reason(row) for row in feedback.sort_by("ts").to_pylist()}
    asked = set(store.read("requests", columns=["trace_id"]).column("trace_id").to_pylist())
    wanted = sorted(said.keys() - asked)
    nothing: Filter = [("day", "=", "")]  # no partition is opened
    frame = sampling_frame(store, [("ts", "<", end), ("trace_id", "in", wanted)] if wanted else nothing, seed)
    ids = frame.rows.column("trace_id").to_pylist()
    return frame, {key: said[trace_id] for key, trace_id in zip(frame.content, ids, strict=True)}


def _reason(row: dict[str, str | None]) -> str:
    comment = row["comment"] or (f"should be {json.loads(row['value'])}" if row["value"] else "no comment")
    return f"reported by a user: {comment[:LONGEST_COMMENT]}"
