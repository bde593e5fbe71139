"""Rows that the drift verdict nominates, and rows that are no use to label."""

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict


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
