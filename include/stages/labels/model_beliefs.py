"""What models said of answered rows before anybody labeled them: a prior of training labels, never of a holdout's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.statistics.model_prior import ModelPrior
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.tables import LoopStore
from include.stages.labeling.requested_rows import requested_predictions

COLUMNS = ("request_id", "trace_id", "ts", "asked_at", "hidden_prelabel", "content_key")
SAID = ("trace_id", "ts", "predicted", "probabilities", "taxonomy", "model_version")


def model_prior(store: LoopStore, requests: Sequence[str], votes: Votes) -> ModelPrior | None:
    """Return what models said of answered requests; None if nothing of it counts.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Their ids, in the order of the items.
    votes
        Their answers.

    Notes
    -----
    A model must not vouch for itself. What it said counts where nobody was shown it, since who is shown an answer repeats it,
    and where the content has no label of another request, since a model that was trained on that would repeat it.
    """
    places = {request: place for place, request in enumerate(requests)}
    said = beliefs(store, _blind(store, list(requests)))
    probabilities = np.full((votes.items, votes.classes), np.nan)
    version = np.zeros(votes.items, dtype=np.int64)
    numbers: dict[str, int] = {}
    for request, belief in said.items():
        version[places[request]] = numbers.setdefault(belief.version, len(numbers))
        if belief.probabilities is not None:
            probabilities[places[request]] = belief.probabilities
    prior = ModelPrior(probabilities, version, np.bincount(votes.item, minlength=votes.items))
    return prior if prior.is_heard.any() else None


@dataclass(frozen=True)
class Belief:
    """What a version of the model said of a row: the probabilities of today's classes, if it said any."""

    version: str
    probabilities: Sequence[float] | None


def beliefs(store: LoopStore, requests: Sequence[Mapping[str, Any]]) -> dict[str, Belief]:
    """Return by request id what was said of the rows that requests are about.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Rows of the table ``requests``, with ``request_id``, ``trace_id``, ``ts`` and ``asked_at``.
    """
    said = requested_predictions(store, requests, SAID) if requests else {}
    if not said:
        return {}
    types = store.schema("predictions")
    table = pa.Table.from_pylist(list(said.values()), pa.schema([types.field(name) for name in SAID]))
    rows = read_predictions(store, table).to_pylist()
    return {
        request: Belief(row["model_version"], row["probabilities"]) for request, row in zip(said, rows, strict=True)
    }


def _blind(store: LoopStore, requests: list[str]) -> list[Mapping[str, Any]]:
    """Return the requests whose answers and whose model know nothing of each other."""
    rows = store.read("requests", columns=list(COLUMNS), filters=[("request_id", "in", requests)]).to_pylist()
    contents = sorted({row["content_key"] for row in rows})
    labels = store.read("labels", columns=["content_key", "request_id"], filters=[("content_key", "in", contents)])
    labeled = {(row["content_key"], row["request_id"]) for row in labels.to_pylist()}
    by_content: dict[str, set[str | None]] = {}
    for content, request in labeled:
        by_content.setdefault(content, set()).add(request)
    return [
        row
        for row in rows
        if row["hidden_prelabel"] and by_content.get(row["content_key"], set()) <= {row["request_id"]}
    ]
