"""Refused lines: kept with every reason, so that nothing is lost."""

from collections.abc import Iterable

from include.foundation.intervals import Interval
from include.foundation.lines.line_files import Line
from include.foundation.lines.refusals import refusal
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.file_slices import Slice


def refuse_lines(store: LoopStore, stage: str, interval: Interval, lines: Iterable[tuple[Slice, Line]]) -> None:
    """Put refused lines into quarantine, once however often they are met."""
    rows = [refusal(stage, part.source, line, interval) for part, line in lines]
    if rows:
        sources = sorted({row["source"] for row in rows})
        store.append_new("quarantine", rows_of(store.loop, "quarantine", rows), [("source", "in", sources)])
