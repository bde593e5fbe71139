"""How often a version was right in production, corrected for errors of annotators."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.statistics.label_noise import true_accuracy
from include.foundation.store.ledgers.annotations import answers_to, votes_of
from include.foundation.store.ledgers.served_confidence import ServedBeside
from include.foundation.store.ledgers.unlabeled_draws import unlabeled_draws
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.drift.monitors.labeled_rows import LabeledRow


def served_accuracy(
    store: LoopStore, rows: Sequence[LabeledRow], version: str, since: datetime, until: datetime, beside: ServedBeside
) -> Estimate:
    """Return the accuracy of what a version served, against what is true rather than against labels.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Randomly drawn rows that the version answered, with their labels.
    version
        The version.
    since, until
        The rows were logged after and before these moments.
    beside
        What was served beside the rows.

    Notes
    -----
    What was drawn and set aside counts by its answers; what was never answered widens the interval to all that it could be.
    Unknown where hardly a content has two answers.
    """
    if not rows:
        return UNKNOWN
    weights, labels, predicted = _by_content(rows)
    unlabeled = unlabeled_draws(store, {row.trace_id for row in rows}, since, until, model_version=version)
    votes = answers_to(store, labels, unlabeled)
    answered = {each.request_id for each in votes}
    taxonomy, classes = Taxonomy.of(store.loop.task), store.loop.task.classes
    for key in answered & unlabeled.keys():
        weights[key], predicted[key] = unlabeled[key].weight, taxonomy.shown(unlabeled[key].predicted or "")
    missing = sum(content.weight for key, content in unlabeled.items() if key not in answered)
    numbers = {name: number for number, name in enumerate(classes)}
    said = np.array([numbers.get(predicted[key], -1) for key in sorted(weights)], dtype=np.int64)
    share = np.array([weights[key] for key in sorted(weights)])
    places = {key: place for place, key in enumerate(sorted(weights))}
    aside = [(key, row) for key in sorted(answered & unlabeled.keys()) for row in unlabeled[key].rows]
    keys = [*(row.answer for row in rows), *(key for key, _ in aside)]
    beside = replace(beside, rows=[*beside.rows, *(row for _, row in aside)])
    served = beside.behind(np.array([places[key] for key in keys], dtype=np.int64))
    return true_accuracy(votes_of(votes, classes)[0], said, share, missing, served)


def _by_content(rows: Iterable[LabeledRow]) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
    """Return by content how many rows it stands for, its label, and what the version says."""
    weights: dict[str, float] = {}
    labels: dict[str, str] = {}
    predicted: dict[str, str] = {}
    for row in rows:
        weights[row.answer] = weights.get(row.answer, 0.0) + 1 / row.inclusion_probability
        labels[row.answer], predicted[row.answer] = row.label, row.predicted
    return weights, labels, predicted
