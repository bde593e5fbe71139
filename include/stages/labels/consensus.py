"""Consensus: several answers become one label, with the probability that it is right, and with what decided it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.latent_classes import dawid_skene, majority
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.annotations import votes_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.model_beliefs import model_prior
from include.stages.selection.requests import FIRST_TIER

CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}
WITH_MODEL = "dawid_skene_and_model"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Opinion:
    """The probability of each class of a request, (classes,), and what decided it: ``decided_by`` of the table ``labels``."""

    probabilities: Floats
    decided_by: str


def opinions(
    store: LoopStore, answered: Sequence[AnsweredRequest]
) -> tuple[dict[str, Opinion], dict[str, tuple[int, float]]]:
    """Return what is thought of each request with votes, and each annotator's number of answers and accuracy.

    Parameters
    ----------
    store
        Tables of the loop.
    answered
        Requests that can be decided, and recent ones from which it is learned how reliable annotators are.

    Notes
    -----
    Labels that judge a model, and how reliable annotators are, come from annotators alone: nothing that a model says reaches
    them, not even by way of whom it makes look reliable.
    """
    voted = [item for item in answered if item.votes]
    votes, names = votes_of([vote for item in voted for vote in item.votes], store.loop.task.classes)
    decided_by = consensus_of(store.loop)
    alone = CONSENSUS[decided_by](votes)
    counts = np.bincount(votes.annotator, minlength=votes.annotators)
    quality = {name: (int(counts[n]), float(alone.accuracy[n])) for n, name in enumerate(names)}
    requests = [item.request_id for item in voted]
    found = {
        key: Opinion(each, decided_by) for key, each in zip(requests, alone.probabilities, strict=True)
    }  # fmt: skip
    if decided_by == "dawid_skene" and store.loop.labels.model_counts:
        found |= _with_model(store, requests, votes)
    return found, quality


def consensus_of(loop: Loop) -> str:
    """Return the consensus that decides: the loop file's, but of an only answer nothing is to be weighed against another."""
    return "majority" if loop.labeling.overlap == 1 else loop.labels.consensus


def _with_model(store: LoopStore, requests: Sequence[str], votes: Votes) -> dict[str, Opinion]:
    """Return what is thought of requests that may be trained on, of which a model says something that counts.

    A tier after the first decides by its own votes.
    """
    model = model_prior(store, requests, votes)
    if model is None:
        return {}
    probabilities = dawid_skene(votes, model=model).probabilities
    filters = [("request_id", "in", list(requests)), ("split", "=", "train"), ("tier", "=", FIRST_TIER)]
    trained = set(store.read("requests", columns=["request_id"], filters=filters).column("request_id").to_pylist())
    return {
        key: Opinion(probabilities[place], WITH_MODEL)
        for place, key in enumerate(requests)
        if key in trained and model.is_heard[place]
    }
