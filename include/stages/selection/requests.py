"""Rows of the request ledger, made of what was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.store.rows import rows_of
from include.stages.selection.frame import Candidates

FIRST_TIER = 1


@dataclass(frozen=True)
class Choice:
    """A row that is to be asked about.

    Attributes
    ----------
    place
        Its place among the candidates.
    stratum
        What it was drawn from.
    split
        What its label is for.
    inclusion_probability
        With which it was drawn, above 0, at most 1.
    reason
        Why, in words that an annotator may read.
    score
        Informativeness, 0 to 1; None where nothing was scored.
    evidence_for
        Key of the challenger that its label judges.
    """

    place: int
    stratum: Literal["random", "certainty", "disagreement"]
    split: Literal["train", "holdout"]
    inclusion_probability: float
    reason: str
    score: float | None = None
    evidence_for: str | None = None


def request_rows(
    loop: Loop, candidates: Candidates, choices: Sequence[Choice], *, batch_id: str, asked_at: datetime
) -> pa.Table:
    """Return the requests for the chosen rows.

    Parameters
    ----------
    loop
        The loop.
    candidates
        What was chosen from.
    choices
        What was chosen. Of evidence on a challenger the pre-label is hidden: annotators must not know which model said what.
    batch_id
        What asks: an interval's key, or an evidence round.
    asked_at
        In log time.
    """
    predictions = candidates.rows.select(["trace_id", "predicted", "confidence"]).to_pylist()
    records = []
    for choice in choices:
        prediction = predictions[choice.place]
        request_id = digest_of(loop.name, prediction["trace_id"], FIRST_TIER)[:32]
        records.append(
            {
                "request_id": request_id,
                "batch_id": batch_id,
                "trace_id": prediction["trace_id"],
                "tier": FIRST_TIER,
                "stratum": choice.stratum,
                "split": choice.split,
                "inclusion_probability": choice.inclusion_probability,
                "score": choice.score,
                "reasons": [choice.reason],
                "prelabel": prediction["predicted"],
                "prelabel_confidence": prediction["confidence"],
                "hidden_prelabel": choice.evidence_for is not None or _hidden(loop, request_id),
                "evidence_for": choice.evidence_for,
                "content_key": candidates.content[choice.place],
                "asked_at": asked_at,
            }
        )
    return rows_of(loop, "requests", records)


def _hidden(loop: Loop, request_id: str) -> bool:
    """Hide the pre-label of a share of requests, by a hash that knows nothing of the row: it measures anchoring."""
    return int(digest_of("hidden", request_id)[:8], 16) / 16**8 < loop.labeling.hidden_prelabel_share
