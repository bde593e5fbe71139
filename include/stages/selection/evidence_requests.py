"""Requests for labels of rows on which two models disagree: where a label decides between them."""

from collections.abc import Sequence

import pyarrow as pa

from include.foundation.store.ledgers.outcomes import reopened_requests
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame
from include.stages.selection.requests import Choice, request_rows


def evidence_batch(challenger_key: str, round_number: int) -> str:
    """Return the id of the batch of requests that a round of evidence on a challenger makes.

    Examples
    --------
    >>> evidence_batch("4f00", 2)
    'evidence-4f00-2'
    """
    return f"evidence-{challenger_key}-{round_number}"


def request_disagreements(
    store: LoopStore, frame: Frame, disagreeing: Sequence[int], n: int, *, challenger_key: str, round_number: int
) -> pa.Table:
    """Request labels of n rows, drawn uniformly from those on which champion and challenger disagree.

    Annotators see no pre-label, for they must not know which model predicted what. Later challengers may train on the labels;
    the challenger that they judge cannot have, since it was trained before they were requested.

    Parameters
    ----------
    store
        Tables of the loop.
    frame
        The candidates in their seeded random order, see `include.stages.selection.frame.frame_of`.
    disagreeing
        Positions in the frame of the rows on which the two disagree, ascending.
    n
        How many labels to request, above 0.
    challenger_key
        Key of the challenger that the labels judge.
    round_number
        1 for its first round. A round is drawn only once.

    Returns
    -------
    pyarrow.Table
        The requests of the round; empty if no candidate is left.
    """
    batch_id = evidence_batch(challenger_key, round_number)

    reopened = reopened_requests(store)

    def draw(ledger: pa.Table) -> pa.Table:
        """Draw from the rows that no request has asked about since the frame was made."""
        requests = zip(ledger.column("request_id").to_pylist(), ledger.column("content_key").to_pylist(), strict=True)
        requested = {content_key for request_id, content_key in requests if request_id not in reopened}
        candidates = [position for position in disagreeing if frame.content_keys[position] not in requested]
        if batch_id in ledger.column("batch_id").to_pylist() or not candidates:
            return rows_of(store.loop, "requests", [])
        choices = _choices(candidates, n, challenger_key)
        newest = max(frame.rows.column("ts").to_pylist())
        return request_rows(store.loop, frame, choices, batch_id=batch_id, asked_at=newest)

    store.append_computed("requests", draw, columns=["batch_id", "content_key", "request_id"])
    return store.read("requests", filters=[("batch_id", "=", batch_id)])


def _choices(candidates: Sequence[int], n: int, challenger_key: str) -> list[Choice]:
    drawn = candidates[:n]
    probability = len(drawn) / len(candidates)
    reason = f"evidence: {len(drawn)} of {len(candidates)} rows on which two models disagree"
    return [
        Choice(position, "disagreement", "train", probability, reason, evidence_for=challenger_key)
        for position in drawn
    ]
