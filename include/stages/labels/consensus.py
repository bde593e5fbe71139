"""Consensus: several answers become one label, with the probability that it is right, and with what decided it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.statistics.annotator_quality import AnnotatorQuality, accuracy_by_period, annotator_quality
from include.foundation.statistics.estimates import Estimate
from include.foundation.statistics.latent_classes import Consensus, dawid_skene, majority
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.annotations import votes_of
from include.foundation.store.ledgers.labeled_draws import are_trained_on
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.model_beliefs import model_prior
from include.stages.labels.signal_shifts import signal_shifts
from include.stages.labels.user_voices import user_votes

CONSENSUS: dict[str, Callable[[Votes], Consensus]] = {"majority": majority, "dawid_skene": dawid_skene}
WITH_MODEL = "dawid_skene_and_model"
WITH_USERS = "dawid_skene_and_users"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Opinion:
    """The probability of each class of a request, (classes,), and what decided it: ``decided_by`` of the table ``labels``."""

    probabilities: Floats
    decided_by: str


@dataclass(frozen=True)
class Opinions:
    """What is thought of each request with votes, and how reliable each annotator is, by pseudonym, and was by month."""

    of_requests: dict[str, Opinion]
    annotators: dict[str, AnnotatorQuality]
    by_month: dict[tuple[str, str], Estimate]


def opinions(store: LoopStore, answered: Sequence[AnsweredRequest]) -> Opinions:
    """Return what is thought of each request with votes, and how reliable each annotator is.

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
    people = people_alone(store.loop, answered)
    decided_by = consensus_of(store.loop)
    by_request = {
        key: Opinion(each, decided_by)
        for key, each in zip(people.requests, people.consensus.probabilities, strict=True)
    }
    if decided_by == "dawid_skene":
        by_request |= _with_others(store, [item for item in answered if item.votes], people.votes)
    return Opinions(by_request, people.annotators, people.by_month)


@dataclass(frozen=True)
class People:
    """What annotators say together of requests with votes, and how reliable each is, by pseudonym, and was by month."""

    requests: list[str]
    votes: Votes
    consensus: Consensus
    annotators: dict[str, AnnotatorQuality]
    by_month: dict[tuple[str, str], Estimate]


def people_alone(loop: Loop, answered: Sequence[AnsweredRequest]) -> People:
    """Return what annotators say, without any model.

    Parameters
    ----------
    loop
        Names classes and consensus.
    answered
        Requests, in the order of their ids.
    """
    requests = [item.request_id for item in answered if item.votes]
    annotations = [vote for item in answered for vote in item.votes]
    votes, names = votes_of(annotations, loop.task.classes)
    consensus = CONSENSUS[consensus_of(loop)](votes)
    moment = np.array([each.created_at.timestamp() for each in annotations])
    quality = annotator_quality(votes, consensus.probabilities, moment)
    months = [f"{each.created_at:%Y-%m}" for each in annotations]
    accuracy = accuracy_by_period(votes, consensus.probabilities, months)
    by_month = {(names[number], month): estimate for (number, month), estimate in accuracy.items()}
    return People(requests, votes, consensus, dict(zip(names, quality, strict=True)), by_month)


def consensus_of(loop: Loop) -> str:
    """Return the consensus that decides: the loop file's, but of an only answer nothing is to be weighed against another."""
    return "majority" if loop.labeling.overlap == 1 else loop.labels.consensus


def _with_others(store: LoopStore, voted: Sequence[AnsweredRequest], votes: Votes) -> dict[str, Opinion]:
    """Return what is thought of requests that may be trained on, of which a model or users say something that counts.

    A model counts where nobody was shown what it said, and users where annotators were: what they corrected as their answer, a
    weak signal as a shift. A tier after the first decides by its
    own votes.
    """
    requests, loop = [item.request_id for item in voted], store.loop
    model = model_prior(store, requests, votes) if loop.labels.model_counts else None
    users = user_votes([item.corrections for item in voted], loop.task.classes)
    shifts = signal_shifts(store, requests)
    if model is None and users is None and shifts is None:
        return {}
    teams = [] if users is None else [users]
    probabilities = dawid_skene(votes, *teams, model=model, shifts=shifts).probabilities
    filters = [("request_id", "in", requests), ("tier", "=", FIRST_TIER)]
    asked = store.read("requests", columns=["request_id", "split", "stratum"], filters=filters)
    trained = set(asked.filter(are_trained_on(asked)).column("request_id").to_pylist())
    corrected = set() if users is None else set(users.item.tolist())
    corrected |= set() if shifts is None else set(np.flatnonzero(shifts.any(axis=1)).tolist())
    decided_by = [
        WITH_USERS if place in corrected else WITH_MODEL if model is not None and model.is_heard[place] else None
        for place in range(len(requests))
    ]
    return {
        key: Opinion(probabilities[place], why)
        for place, (key, why) in enumerate(zip(requests, decided_by, strict=True))
        if why is not None and key in trained
    }
