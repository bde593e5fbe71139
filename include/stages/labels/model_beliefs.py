"""What models said of answered rows before anybody labeled them: a prior of training labels, never of a holdout's."""

from collections.abc import Mapping, Sequence
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
    rows = _blind(store, list(requests))
    said = requested_predictions(store, rows, SAID) if rows else {}
    if not said:
        return None
    types = store.schema("predictions")
    table = pa.Table.from_pylist(list(said.values()), pa.schema([types.field(name) for name in SAID]))
    probabilities = np.full((votes.items, votes.classes), np.nan)
    version = np.zeros(votes.items, dtype=np.int64)
    numbers: dict[str, int] = {}
    for request, row in zip(said, read_predictions(store, table).to_pylist(), strict=True):
        version[places[request]] = numbers.setdefault(row["model_version"], len(numbers))
        if row["probabilities"] is not None:
            probabilities[places[request]] = row["probabilities"]
    prior = ModelPrior(probabilities, version, np.bincount(votes.item, minlength=votes.items))
    return prior if prior.is_heard.any() else None


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
