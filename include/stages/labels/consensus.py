"""Several answers become one label, with a probability that it is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 200
TOLERANCE = 1e-6
SMOOTHING = 1.0


@dataclass(frozen=True)
class Votes:
    """Answers as indices: answer j says that item ``item[j]`` is of class ``label[j]``, in the words of ``annotator[j]``.

    All three are int64, (answers,); an annotator answers an item at most once.
    """

    item: NDArray[np.int64]
    annotator: NDArray[np.int64]
    label: NDArray[np.int64]
    items: int
    annotators: int
    classes: int


@dataclass(frozen=True)
class Consensus:
    """Probability of each class for each item, (items, classes), and each annotator's estimated accuracy, (annotators,).

    An item without answers has the classes' prevalence, an annotator without answers NaN.
    """

    probabilities: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def majority(votes: Votes) -> Consensus:
    """Return the shares of the answers; a tie is a tie, not broken by the order of classes.

    Examples
    --------
    >>> one = np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([1, 1, 0])
    >>> majority(Votes(*one, items=1, annotators=3, classes=2)).probabilities.round(2)
    array([[0.33, 0.67]])
    """
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1)
    total = counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / max(counts.sum(), 1)
    shares = np.where(total > 0, counts / np.maximum(total, 1), overall)
    return Consensus(shares, _agreement(votes, shares))


def dawid_skene(votes: Votes) -> Consensus:
    """Return the posterior when every annotator has a confusion matrix of his own.

    Notes
    -----
    Expectation maximisation of Dawid & Skene (1979), begun at the shares of the answers. Each row of a confusion matrix is
    smoothed towards the annotator's overall accuracy with one pseudo-count, so that an annotator of few answers is neither
    trusted nor condemned by them; in logarithms throughout. Deterministic.
    """
    posterior = majority(votes).probabilities
    for _ in range(ROUNDS):
        prevalence = (posterior.sum(axis=0) + SMOOTHING) / (len(posterior) + SMOOTHING * votes.classes)
        confusion = _confusion(votes, posterior)
        logs = np.tile(np.log(prevalence), (votes.items, 1))
        np.add.at(logs, votes.item, np.log(confusion[votes.annotator, votes.label]))
        new = np.exp(logs - logs.max(axis=1, keepdims=True))
        new /= new.sum(axis=1, keepdims=True)
        moved = float(np.abs(new - posterior).max(initial=0.0))
        posterior = new
        if moved < TOLERANCE:
            break
    return Consensus(posterior, _agreement(votes, posterior))


CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}


def _confusion(votes: Votes, posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (annotators, answered class, true class); the answers to a true class sum to one."""
    counts = np.zeros((votes.annotators, votes.classes, votes.classes))
    np.add.at(counts, (votes.annotator, votes.label), posterior[votes.item])
    right = counts.diagonal(axis1=1, axis2=2).sum(axis=1)
    accuracy = (right + SMOOTHING) / (counts.sum(axis=(1, 2)) + SMOOTHING * 2)
    off = (1 - accuracy) / max(votes.classes - 1, 1)
    prior = np.where(np.eye(votes.classes, dtype=bool), accuracy[:, None, None], off[:, None, None])
    smoothed = counts + SMOOTHING * prior
    return np.asarray(smoothed / smoothed.sum(axis=1, keepdims=True))


def _agreement(votes: Votes, posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how probably each annotator's answers were right, on average; NaN without answers."""
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=votes.annotators)
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    return np.where(answers > 0, right / np.maximum(answers, 1), np.nan)
