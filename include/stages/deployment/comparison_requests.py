"""Requests for labels of rows that champion and predecessor answer differently."""

from datetime import UTC, datetime, timedelta
from math import comb

import pyarrow as pa

from include.foundation.decisions import ComparedDay
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import asked_before
from include.stages.selection.frame import candidates_of
from include.stages.selection.requests import Choice, request_rows


def request_drawn(store: LoopStore, day: ComparedDay) -> int:
    """Request labels of the rows that are to be asked for what was drawn on a day, once, and return how many were requested.

    Annotators see no pre-label. Later challengers may train on the labels; the two models that they judge were fitted before
    the rows were served.

    Parameters
    ----------
    store
        Tables of the loop.
    day
        The recorded draw.
    """
    asked = {row.trace_id: row for row in day.drawn if row.trace_id == row.asked_trace_id}
    if not asked or store.read("requests", columns=["batch_id"], filters=[("batch_id", "=", day.subject)]).num_rows:
        return 0
    drawn = store.read("predictions", filters=[("day", "=", day.day), ("trace_id", "in", sorted(asked))])
    candidates = candidates_of(store, drawn, asked_before(store))
    over = datetime.fromisoformat(day.day).replace(tzinfo=UTC) + timedelta(days=1)
    reason = f"comparison: {len(day.drawn)} of {day.differing} rows that two models answered differently"
    choices = [
        Choice(position, "disagreement", "train", _chance(day, asked[trace_id].alike), reason, evidence_for=day.subject)
        for position, trace_id in enumerate(drawn.column("trace_id").to_pylist())
    ]
    requests = request_rows(store.loop, candidates, choices, batch_id=day.subject, asked_at=over)

    def once(ledger: pa.Table) -> pa.Table:
        is_asked = day.subject in ledger.column("batch_id").to_pylist()
        return rows_of(store.loop, "requests", []) if is_asked else requests

    return int(store.append_computed("requests", once, columns=["batch_id"]).num_rows)


def _chance(day: ComparedDay, alike: int) -> float:
    """Return the probability that at least one row of a content was among those drawn."""
    draws = len(day.drawn)
    return 1 - comb(day.differing - alike, draws) / comb(day.differing, draws)
