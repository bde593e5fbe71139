"""Rows on which two models disagree: where a label decides between them."""

from collections.abc import Sequence

import pyarrow as pa

from include.selection.frame import Frame
from include.selection.requests import request_rows
from include.store.tables import LoopStore, rows_of


def request_disagreements(
    store: LoopStore, frame: Frame, disagreeing: Sequence[int], n: int, *, challenger_key: str, round_number: int
) -> pa.Table:
    """Ask for labels of n rows drawn uniformly from those on which champion and challenger disagree.

    Annotators see no pre-label: they must not know which model said what. The labels may be trained on later, never by the
    challenger they judge, which was trained before they were asked for.

    Parameters
    ----------
    store
        Tables of the loop.
    frame
        Rows in their seeded random order, see `include.selection.frame.sampling_frame`.
    disagreeing
        Positions in the frame, ascending.
    n
        How many to ask for.
    challenger_key
        The challenger whose evidence this is.
    round_number
        1 for its first round; one round is drawn once.

    Returns
    -------
    pyarrow.Table
        The requests of the round; empty if no row is left.
    """
    batch_id = f"evidence-{challenger_key}-{round_number}"
    already = store.read("requests", filters=[("batch_id", "=", batch_id)])
    if already.num_rows or not disagreeing or n == 0:
        return already if already.num_rows else rows_of(store.loop, "requests", [])
    drawn = list(disagreeing)[:n]
    reason = f"evidence: {len(drawn)} of {len(disagreeing)} rows on which two models disagree"
    chosen = [
        {
            "place": place,
            "stratum": "disagreement",
            "split": "train",
            "inclusion_probability": len(drawn) / len(disagreeing),
            "score": None,
            "reasons": [reason],
            "evidence_for": challenger_key,
            "hidden_prelabel": True,
        }
        for place in drawn
    ]
    newest = max(frame.rows.column("ts").to_pylist())
    rows = request_rows(store.loop, frame.rows, frame.content, chosen, batch_id=batch_id, asked_at=newest)
    return store.append_new("requests", rows)
