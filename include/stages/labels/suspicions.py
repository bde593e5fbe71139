"""Labels that the model is sure are wrong: the next tier answers these rows as well."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.statistics.label_errors import suspected_errors
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.foundation.store.tables import LoopStore
from include.stages.labels.consensus import Opinion
from include.stages.labels.model_beliefs import beliefs
from include.stages.labels.proposals import Proposal, Why

SEVERAL = 2  # people, one of whom may contradict the other
BEYOND_DOUBT = 0.99  # probability of a label
SUSPECTED = Why("suspected_error", "the model is sure of another class")


def suspicions(store: LoopStore, proposals: Sequence[Proposal], opinions: Mapping[str, Opinion]) -> dict[str, Why]:
    """Return by request id why the next tier is to answer a label to train on; nothing where there is no next tier.

    Parameters
    ----------
    store
        Tables of the loop.
    proposals
        What is about to become labels.
    opinions
        What is thought of recent requests, by id: they say how sure the model usually is of a class.

    Notes
    -----
    The model accuses, and people decide: it takes no label away, and accuses no label that judges it. Where several people
    leave next to no doubt it is not heard: rows are asked about because the model errs on them, and it denies many that are
    right.
    """
    loop = store.loop
    accused = {each.answered.request_id for each in proposals if each.tier == FIRST_TIER and _is_doubtful(each)}
    if not accused or not loop.escalation.tiers or not loop.escalation.suspected_errors:
        return {}
    columns = ["request_id", "trace_id", "ts", "asked_at", "split", "stratum", "tier"]
    rows = store.read("requests", columns=columns, filters=[("request_id", "in", sorted(opinions))]).to_pylist()
    suspected = _suspected(store, [row for row in rows if row["tier"] == FIRST_TIER], opinions)
    trained = (row for row in suspected if row["split"] == "train" and row["stratum"] != RANDOM)
    return {row["request_id"]: SUSPECTED for row in trained if row["request_id"] in accused}


def _is_doubtful(proposal: Proposal) -> bool:
    return len(proposal.answered.votes) < SEVERAL or proposal.confidence < BEYOND_DOUBT


def _suspected(
    store: LoopStore, rows: Sequence[Mapping[str, Any]], opinions: Mapping[str, Opinion]
) -> list[Mapping[str, Any]]:
    """Return the rows whose labels each version of the model denies."""
    said = beliefs(store, rows)
    by_version: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        belief = said[row["request_id"]]
        if belief.probabilities is not None:
            by_version.setdefault(belief.version, []).append(row)
    suspected = []
    for own in by_version.values():
        labels = np.array([opinions[row["request_id"]].probabilities.argmax() for row in own])
        probabilities = np.array([said[row["request_id"]].probabilities for row in own])
        suspected += [row for row, wrong in zip(own, suspected_errors(labels, probabilities), strict=True) if wrong]
    return suspected
