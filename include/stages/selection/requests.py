"""Choices, and the rows of the request ledger that are made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of, point_of
from include.foundation.store.rows import rows_of
from include.stages.selection.frame import Candidates

_BLIND = {"hidden_prelabel": True, "shown_probability": None}
REPORTED = "reported by a user"  # how the reason begins of a row that was,
WEAK = "a signal that tells of errors"  # and of one that has such a signal
BY_USER, BY_SIGNAL, OF_RETIRED = "reported", "weak_signal", "retired_class"  # causes, see the table ``requests``


@dataclass(frozen=True)
class Choice:
    """A row that is to be requested.

    Attributes
    ----------
    position
        Its position among the candidates.
    stratum
        How it was drawn.
    split
        Whether models may train on its label, or are judged by it; what the candidate is bound to takes precedence.
    inclusion_probability
        The probability with which it was drawn, above 0 and at most 1.
    reason
        Why it was chosen, in words that annotators may read.
    score
        Its informativeness, 0 to 1; None if it has no score.
    evidence_for
        Key of the challenger that its label judges, if there is one.
    cause
        Why it is asked about at all, where that is neither chance nor its score.
    """

    position: int
    stratum: Literal["random", "certainty", "disagreement"]
    split: Literal["train", "holdout"]
    inclusion_probability: float
    reason: str
    score: float | None = None
    evidence_for: str | None = None
    cause: str | None = None


def request_rows(
    loop: Loop,
    candidates: Candidates,
    choices: Sequence[Choice],
    *,
    batch_id: str,
    asked_at: datetime,
    shown_from: float = 0.0,
) -> pa.Table:
    """Return the requests for the chosen rows.

    Parameters
    ----------
    loop
        Names the inputs, and says how often pre-labels of the certainty stratum are hidden.
    candidates
        The rows that were chosen from.
    choices
        The chosen rows. Where a label judges a model the pre-label is hidden: annotators who accept what they are shown would
        confirm the model that predicted it. So it is where a content repeats, whose label may answer for a row drawn later.
        What users said of the row is then hidden, too.
    batch_id
        The key of an interval, or the id of an evidence round.
    asked_at
        When the labels are requested, in log time.
    shown_from
        The confidence from which pre-labels are shown, but for a share of them; below it they are hidden, but for that share.

    Returns
    -------
    pyarrow.Table
        Rows of ``requests``, in the order of the choices.
    """
    predictions = candidates.rows.select(["trace_id", "ts", "predicted", "confidence"]).to_pylist()
    requests = []
    for choice in choices:
        place = choice.position
        columns = {"batch_id": batch_id, "asked_at": asked_at, "content_key": candidates.content_keys[place]}
        columns |= {"near_key": candidates.near_keys[place], "group_key": candidates.group_keys[place]}
        bound = replace(choice, split=candidates.splits[place] or choice.split)
        request = columns | _request(loop, bound, predictions[place], batch_id)
        is_blind = bound.split == "holdout" or bound.stratum != "certainty" or candidates.repeats[place]
        requests.append(request | (_BLIND if is_blind else _arm(loop, request, shown_from)))
        if requests[-1]["hidden_prelabel"] and choice.cause in (BY_USER, BY_SIGNAL):
            requests[-1]["reasons"] = [choice.reason.split(":")[0]]
    return rows_of(loop, "requests", requests)


def _request(loop: Loop, choice: Choice, prediction: Mapping[str, Any], batch_id: str) -> dict[str, Any]:
    request_id = digest_of(loop.name, prediction["trace_id"], FIRST_TIER, batch_id)[:32]
    return {
        "request_id": request_id,
        "trace_id": prediction["trace_id"],
        "tier": FIRST_TIER,
        "stratum": choice.stratum,
        "split": choice.split,
        "inclusion_probability": choice.inclusion_probability,
        "score": choice.score,
        "reasons": [choice.reason],
        "cause": choice.cause,
        "prelabel": prediction["predicted"],
        "prelabel_confidence": prediction["confidence"],
        "evidence_for": choice.evidence_for,
        "ts": prediction["ts"],
    }


def _arm(loop: Loop, request: Mapping[str, Any], shown_from: float) -> dict[str, Any]:
    """Return whether a pre-label is hidden, which a hash of the id draws, and with which probability it was to be shown.

    Comparing both kinds measures anchoring, and goes on where people follow pre-labels too much.
    """
    share = loop.labeling.hidden_prelabel_share
    is_trusted = (request["prelabel_confidence"] or 0.0) >= shown_from
    hidden = share if is_trusted else max(share, 1 - share)
    drawn = point_of("hidden", request["request_id"])
    return {"hidden_prelabel": drawn < hidden, "shown_probability": 1 - hidden if 0 < hidden < 1 else None}
