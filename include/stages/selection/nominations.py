"""Rows that people point at."""

import json
from datetime import datetime

import pyarrow as pa

from include.foundation.decisions import DriftVerdict
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame, sampling_frame

SIGNALS = ("report", "correction")
LONGEST_COMMENT = 120


def reported_rows(store: LoopStore, end: datetime, seed: object) -> tuple[Frame, dict[str, str]]:
    """Return the rows before ``end`` that users reported or corrected and that were not asked about, of any earlier day too.

    Only explicit feedback counts, and none that is held back as part of a burst; of several signals about a row the newest
    speaks.

    Returns
    -------
    tuple of Frame and dict
        The rows, and the reason of each by its content key: near duplicates are reported together.
    """
    feedback = store.read("feedback", filters=[("signal", "in", list(SIGNALS)), ("kind", "=", "explicit")])
    said = {row["trace_id"]: _reason(row) for row in feedback.sort_by("ts").to_pylist() if row["held_back"] is None}
    asked = set(store.read("requests", columns=["trace_id"]).column("trace_id").to_pylist())
    wanted = sorted(said.keys() - asked)
    nothing: Filter = [("day", "=", "")]  # no partition is opened
    frame = sampling_frame(store, [("ts", "<", end), ("trace_id", "in", wanted)] if wanted else nothing, seed)
    ids = frame.rows.column("trace_id").to_pylist()
    return frame, {key: said[trace_id] for key, trace_id in zip(frame.content, ids, strict=True)}


def _reason(row: dict[str, str | None]) -> str:
    comment = row["comment"] or (f"should be {json.loads(row['value'])}" if row["value"] else "no comment")
    return f"reported by a user: {comment[:LONGEST_COMMENT]}"


def in_drifted_segments(verdict: DriftVerdict | None, rows: pa.Table) -> dict[int, str]:
    """Return the rows of the segments that a drift verdict wants labels of, by place, each with its reason."""
    if verdict is None or verdict.route != "label_segment":
        return {}
    found: dict[int, str] = {}
    for segment in verdict.segments:
        name, _, value = segment.partition("=")
        for place, given in enumerate(rows.column(f"segment_{name}").to_pylist()):
            if given == value:
                found.setdefault(place, f"in a drifted segment: {segment}")
    return found


def broken_rows(verdict: DriftVerdict | None, rows: pa.Table) -> set[int]:
    """Return the places of rows that lack a value which a drift verdict found missing: their labels would teach nothing."""
    if verdict is None or verdict.route != "fix_data":
        return set()
    columns = [
        finding.column.partition(":")[0]  # a text or a vector is watched by its measures
        for finding in verdict.columns
        if finding.flagged and finding.statistic == "missing"
    ]
    return {
        place
        for name in columns
        if name in rows.column_names
        for place, value in enumerate(rows.column(name).to_pylist())
        if value is None
    }
