"""Anchoring as measured: where chance decided whether a pre-label was shown, and what people then answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.statistics.anchoring import Followed, followed
from include.foundation.store.ledgers.annotations import latest_annotations
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

RECENT = 2_000  # requests that are looked at
BANDS = (0.0, 0.5, 0.7, 0.9, inf)  # of confidence
COLUMNS = ("request_id", "tier", "prelabel", "prelabel_confidence", "hidden_prelabel", "shown_probability", "asked_at")


@dataclass(frozen=True)
class Band:
    """How pre-labels of one tier are followed whose confidence is ``low`` or more, and below ``high``."""

    tier: int
    low: float
    high: float
    followed: Followed


def anchoring(store: LoopStore) -> list[Band]:
    """Return by tier and confidence how pre-labels are followed, from the newest requests where chance decided who sees them.

    A pre-label without a confidence counts as one of confidence 0; what nobody answered is left out.
    """
    answers = _answers(store)
    return [
        Band(tier, low, high, followed(*(answers[name][place] for name in ("gave", "shown", "chance", "request"))))
        for tier in sorted(set(answers["tier"].tolist()))
        for low, high in pairwise(BANDS)
        if (place := (answers["tier"] == tier) & (low <= answers["confidence"]) & (answers["confidence"] < high)).any()
    ]


def shown_from(bands: Sequence[Band], most: float) -> float:
    """Return the confidence from which pre-labels are shown: above every band in which people are shown to follow too much.

    Parameters
    ----------
    bands
        What was measured. A band of which too little is known to tell changes nothing.
    most
        By how much the share of answers that are the pre-label may be higher where it is shown.
    """
    lows = [(band.followed.difference.low, band.high) for band in bands if band.tier == FIRST_TIER]
    return max((high for low, high in lows if low is not None and low > most), default=0.0)


def _answers(store: LoopStore) -> dict[str, NDArray[Any]]:
    """Return of each answer its tier, the pre-label's confidence, whether it is that, and what chance decided."""
    drawn = store.read("requests", columns=list(COLUMNS), filters=[("shown_probability", ">", 0.0)])
    newest = drawn.sort_by([("asked_at", "descending"), ("request_id", "ascending")]).slice(0, RECENT).to_pylist()
    taxonomy = Taxonomy.of(store.loop.task)
    labels = {row["request_id"]: taxonomy.current(row["prelabel"] or "") for row in newest}
    rows = {row["request_id"]: (number, row) for number, row in enumerate(newest) if labels[row["request_id"]]}
    votes = [vote for vote in latest_annotations(store, rows) if vote.is_vote] if rows else []
    asked = [rows[vote.request_id] for vote in votes]
    return {
        "tier": np.array([row["tier"] for _, row in asked]),
        "confidence": np.array([row["prelabel_confidence"] or 0.0 for _, row in asked]),
        "gave": np.array([vote.label == labels[vote.request_id] for vote in votes], dtype=np.bool_),
        "shown": np.array([not row["hidden_prelabel"] for _, row in asked], dtype=np.bool_),
        "chance": np.array([row["shown_probability"] for _, row in asked]),
        "request": np.array([number for number, _ in asked], dtype=np.int64),
    }
