"""Rows on which two models disagree: where a label decides between them."""

from collections.abc import Sequence

import pyarrow as pa

from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.selection.frame import Frame
from include.stages.selection.requests import Choice, request_rows


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
        Rows in their seeded random order, see `include.stages.selection.frame.sampling_frame`.
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

    def draw(present: pa.Table) -> pa.Table:
        """Draw from what nobody asked about between the making of the frame and this commit."""
        asked = set(present.column("content_key").to_pylist())
        left = [place for place in disagreeing if frame.content[place] not in asked]
        if batch_id in present.column("batch_id").to_pylist() or not left:
            return rows_of(store.loop, "requests", [])
        choices = _choices(left, n, challenger_key)
        newest = max(frame.rows.column("ts").to_pylist())
        return request_rows(store.loop, frame, choices, batch_id=batch_id, asked_at=newest)

    store.append_computed("requests", draw, columns=["batch_id", "content_key"])
    return store.read("requests", filters=[("batch_id", "=", batch_id)])


def _choices(left: Sequence[int], n: int, challenger_key: str) -> list[Choice]:
    drawn = left[:n]
    probability = len(drawn) / len(left)
    reason = f"evidence: {len(drawn)} of {len(left)} rows on which two models disagree"
    return [Choice(place, "disagreement", "train", probability, reason, evidence_for=challenger_key) for place in drawn]
