"""How often a version was right in production, corrected for errors of annotators."""

from collections.abc import Collection, Iterable
from datetime import datetime

import numpy as np

from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.statistics.label_noise import true_accuracy
from include.foundation.store.ledgers.annotations import answers_to, votes_of
from include.foundation.store.ledgers.labeled_draws import LabeledDraw, labeled_draws
from include.foundation.store.ledgers.unlabeled_draws import unlabeled_draws
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy


def served_accuracy(
    store: LoopStore, version: str, since: datetime, until: datetime, unknown_classes: Collection[str]
) -> Estimate:
    """Return the accuracy of what a version served, against what is true rather than against labels.

    Parameters
    ----------
    store
        Tables of the loop.
    version
        The version.
    since, until
        Rows logged after and before these moments.
    unknown_classes
        Rows with these labels do not count.

    Notes
    -----
    What was drawn and set aside counts by its answers; what was never answered widens the interval to all that it could be.
    Unknown where hardly a content has two answers.
    """
    draws = [
        draw
        for draw in labeled_draws(store, since=since, until=until, model_version=version)
        if draw.ts > since and draw.label not in unknown_classes
    ]
    if not draws:
        return UNKNOWN
    weights, labels, predicted = _by_content(draws)
    unlabeled = unlabeled_draws(store, {draw.trace_id for draw in draws}, since, until, model_version=version)
    votes = answers_to(store, labels, unlabeled)
    answered = {each.request_id for each in votes}
    taxonomy, classes = Taxonomy.of(store.loop.task), store.loop.task.classes
    for key in answered & unlabeled.keys():
        weights[key], predicted[key] = unlabeled[key].weight, taxonomy.shown(unlabeled[key].predicted or "")
    missing = sum(content.weight for key, content in unlabeled.items() if key not in answered)
    numbers = {name: number for number, name in enumerate(classes)}
    said = np.array([numbers.get(predicted[key], -1) for key in sorted(weights)], dtype=np.int64)
    share = np.array([weights[key] for key in sorted(weights)])
    return true_accuracy(votes_of(votes, classes)[0], said, share, missing)


def _by_content(draws: Iterable[LabeledDraw]) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
    """Return by content how many rows it stands for, its label, and what the version says."""
    weights: dict[str, float] = {}
    labels: dict[str, str] = {}
    predicted: dict[str, str] = {}
    for draw in draws:
        key = draw.request_id or draw.label_id
        weights[key] = weights.get(key, 0.0) + 1 / draw.inclusion_probability
        labels[key], predicted[key] = draw.label, draw.predicted
    return weights, labels, predicted
