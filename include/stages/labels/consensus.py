"""Consensus: several answers become one label, with the probability that it is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.annotations import Annotation

ROUNDS = 200
TOLERANCE = 1e-6
SMOOTHING = 1.0


@dataclass(frozen=True)
class Votes:
    """Answers as indices: in answer j, annotator ``annotator[j]`` says that item ``item[j]`` is of class ``label[j]``.

    All three arrays are int64, (answers,). An annotator answers an item at most once.
    """

    item: NDArray[np.int64]
    annotator: NDArray[np.int64]
    label: NDArray[np.int64]
    items: int
    annotators: int
    classes: int


def votes_of(annotations: Sequence[Annotation], classes: Sequence[str]) -> tuple[Votes, list[str]]:
    """Return annotations as votes, and the annotators' pseudonyms in the order of their indices.

    Parameters
    ----------
    annotations
        At most one of each annotator to each request. The requests, in the order of their ids, are the items.
    classes
        Class number c of the loop is label c; every annotation is one of them.
    """
    requests, annotators, labels = (
        {name: number for number, name in enumerate(names)}
        for names in (
            sorted({annotation.request_id for annotation in annotations}),
            sorted({annotation.annotator for annotation in annotations}),
            classes,
        )
    )
    rows = [(requests[each.request_id], annotators[each.annotator], labels[each.label]) for each in annotations]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, annotator, label, len(requests), len(annotators), len(classes)), list(annotators)


@dataclass(frozen=True)
class Consensus:
    """The probability of each class for each item, (items, classes), and each annotator's estimated accuracy, (annotators,).

    An item without answers gets the overall shares of the classes; an annotator without answers has the accuracy NaN.
    """

    probabilities: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def majority(votes: Votes) -> Consensus:
    """Return each item's shares of the answers. A tie stays a tie: the order of the classes does not break it.

    Examples
    --------
    >>> three_answers = np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([1, 1, 0])
    >>> majority(Votes(*three_answers, items=1, annotators=3, classes=2)).probabilities.round(2)
    array([[0.33, 0.67]])
    """
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1)
    total = counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / max(counts.sum(), 1)
    shares = np.where(total > 0, counts / np.maximum(total, 1), overall)
    return Consensus(shares, _accuracy(votes, shares))


def dawid_skene(votes: Votes) -> Consensus:
    """Return the posterior probabilities under a model in which every annotator has a confusion matrix.

    Notes
    -----
    Expectation maximisation of Dawid & Skene (1979), which starts at the shares of the answers and is deterministic. Each row
    of a confusion matrix is smoothed towards the annotator's overall accuracy with one pseudo-count, so that a few answers
    alone do not make or break an annotator. Probabilities are multiplied as logarithms, which do not underflow.
    """
    posterior = majority(votes).probabilities
    for _ in range(ROUNDS):
        prevalence = (posterior.sum(axis=0) + SMOOTHING) / (len(posterior) + SMOOTHING * votes.classes)
        confusion = _confusion(votes, posterior)
        logs = np.tile(np.log(prevalence), (votes.items, 1))
        np.add.at(logs, votes.item, np.log(confusion[votes.annotator, votes.label]))
        updated = np.exp(logs - logs.max(axis=1, keepdims=True))
        updated /= updated.sum(axis=1, keepdims=True)
        change = float(np.abs(updated - posterior).max(initial=0.0))
        posterior = updated
        if change < TOLERANCE:
            break
    return Consensus(posterior, _accuracy(votes, posterior))


CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}


def consensus_of(loop: Loop) -> str:
    """Return the consensus that decides: the loop file's, but of an only answer nothing is to be weighed against another."""
    return "majority" if loop.labeling.overlap == 1 else loop.labels.consensus


def _confusion(votes: Votes, posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each answer given the true class, (annotators, answered class, true class)."""
    counts = np.zeros((votes.annotators, votes.classes, votes.classes))
    np.add.at(counts, (votes.annotator, votes.label), posterior[votes.item])
    right = counts.diagonal(axis1=1, axis2=2).sum(axis=1)
    accuracy = (right + SMOOTHING) / (counts.sum(axis=(1, 2)) + SMOOTHING * 2)
    per_error = (1 - accuracy) / (votes.classes - 1)
    prior = np.where(np.eye(votes.classes, dtype=bool), accuracy[:, None, None], per_error[:, None, None])
    smoothed = counts + SMOOTHING * prior
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def _accuracy(votes: Votes, posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean probability that an annotator's answers are right, (annotators,); NaN without answers."""
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=votes.annotators)
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    return np.where(answers > 0, right / np.maximum(answers, 1), np.nan)
