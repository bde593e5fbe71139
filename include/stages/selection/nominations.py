"""Rows that users or the drift verdict nominate, and rows that are no use to label."""

import json
from datetime import datetime, timedelta

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.intervals import moved
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.asked import Asked, asked_before
from include.stages.selection.frame import Frame, frame_of

REPORTED = timedelta(
    days=28
)  # how long a report is acted on: what it costs to look must not grow with what was ever said
SIGNALS = ("report", "correction")
LONGEST_COMMENT = 120


def reported_rows(
    store: LoopStore, end: datetime, seed: object, asked: Asked | None = None
) -> tuple[Frame, dict[str, str]]:
    """Return the rows that users reported or corrected within the last four weeks and that were not requested yet.

    The rows may be four weeks older than the reports. Only explicit feedback counts, and none that is held back as part of a
    burst. Of several signals about a row the newest gives the reason.

    Parameters
    ----------
    store
        Tables of the loop.
    end
        Rows logged at this moment or later do not count.
    seed
        Seed of the order of the frame.
    asked
        What was asked before; read from the store if None.

    Returns
    -------
    tuple of Frame and dict
        The rows, and the reason of each by its content key, since a report speaks for the near duplicates of its row too.
    """
    since = moved(end, -REPORTED)
    wanted: Filter = [("signal", "in", list(SIGNALS)), ("kind", "=", "explicit"), ("ts", ">=", since)]
    feedback = store.read("feedback", filters=wanted)
    taxonomy = Taxonomy.of(store.loop.task)
    reasons = {
        row["trace_id"]: _reason(row, taxonomy)
        for row in feedback.sort_by("ts").to_pylist()
        if row["held_back"] is None
    }
    asked = asked_before(store) if asked is None else asked
    reported = sorted(reasons.keys() - asked.trace_ids)
    no_rows: Filter = [("day", "=", "")]  # opens no partition
    rows: Filter = [("ts", ">=", moved(since, -REPORTED)), ("ts", "<", end), ("trace_id", "in", reported)]
    frame = frame_of(store, store.read("predictions", filters=rows if reported else no_rows), seed, asked=asked)
    ids = frame.rows.column("trace_id").to_pylist()
    return frame, {key: reasons[trace_id] for key, trace_id in zip(frame.content_keys, ids, strict=True)}


def _reason(row: dict[str, str | None], taxonomy: Taxonomy) -> str:
    comment = row["comment"] or "no comment"
    if row["value"] and not row["comment"]:
        comment = f"should be {taxonomy.shown(str(json.loads(row['value'])))}"
    return f"reported by a user: {comment[:LONGEST_COMMENT]}"


def in_drifted_segments(verdict: DriftVerdict | None, rows: pa.Table) -> dict[int, str]:
    """Return the reasons for rows of the segments that a drift verdict wants labeled, by the row's position."""
    if verdict is None or verdict.route != "label_segment":
        return {}
    reasons: dict[int, str] = {}
    for segment in verdict.segments:
        name, _, value = segment.partition("=")
        for position, logged in enumerate(rows.column(f"segment_{name}").to_pylist()):
            if logged == value:
                reasons.setdefault(position, f"in a drifted segment: {segment}")
    return reasons


def critical_rows(loop: Loop, rows: pa.Table) -> dict[int, str]:
    """Return the reasons for rows of the segments that the loop file calls critical, by the row's position."""
    return {
        position: f"in a critical segment: {segment}={logged}"
        for segment, values in loop.selection.critical.items()
        for position, logged in enumerate(rows.column(loop.segment_columns[segment]).to_pylist())
        if logged in values
    }


def broken_rows(verdict: DriftVerdict | None, rows: pa.Table) -> set[int]:
    """Return the positions of rows without a value that the drift verdict reports missing: their labels would teach nothing."""
    if verdict is None or verdict.route != "fix_data":
        return set()
    columns = [
        finding.column.partition(":")[0]  # texts and vectors are watched by their measures, named column:measure
        for finding in verdict.columns
        if finding.flagged and finding.monitor == "data" and finding.statistic in {"missing", "not_logged"}
    ]
    return {
        position
        for name in columns
        if name in rows.column_names
        for position, value in enumerate(rows.column(name).to_pylist())
        if value is None
    }
