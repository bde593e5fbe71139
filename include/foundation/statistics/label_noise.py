"""Accuracy against what is true, not against labels: annotators err, and the errors of labels look like errors of a model."""

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.estimates import UNKNOWN, Estimate, effective_rows, share_with_interval
from include.foundation.statistics.latent_classes import Votes, dawid_skene

FEWEST_REPEATED = 30  # items with two answers or more, below which nothing is known of how often annotators err


def true_accuracy(
    votes: Votes, predicted: NDArray[np.int64], weights: NDArray[np.float64], unanswered: float = 0.0
) -> Estimate:
    """Return the share of predictions that are true, where what is true is known only from answers.

    Parameters
    ----------
    votes
        At least one answer to every item.
    predicted
        The class that a model predicts of each item, int64, (items,); -1 for one that no annotator can say.
    weights
        How many rows each item stands for, float64, (items,), above 0.
    unanswered
        How many rows were drawn as well and never answered, 0 or more. The interval reaches from where all of them are wrong to
        where all are right.

    Returns
    -------
    Estimate
        Unknown if fewer than `FEWEST_REPEATED` items have two answers or more.

    Notes
    -----
    The model is one more annotator of a latent class model (`include.foundation.statistics.latent_classes`), which finds it
    right where answers and its own record say so. Errors must be independent given the class: where a model errs on the same
    items as people, it looks better than it is, by less than labels make it look worse. The interval is the exact one on the
    rows that would tell as much with known truth: the missing information is the variance that each item's truth has left
    (Louis 1982), where one item more is taken to be right and one to be wrong.
    """
    if (np.bincount(votes.item, minlength=votes.items) >= 2).sum() < FEWEST_REPEATED:
        return UNKNOWN
    right = _probability_right(votes, predicted)
    share, mean = weights / weights.sum(), weights.mean()
    value = min(1.0, float(share @ right))
    informative = effective_rows(weights) * _known(np.append(right, [1.0, 0.0]), np.append(weights, [mean, mean]))
    found = share_with_interval(value, max(1.0, informative), votes.items)
    answered = float(weights.sum() / (weights.sum() + unanswered))
    low, high = (found.low or 0.0) * answered, (found.high or 0.0) * answered + 1 - answered
    return Estimate(value, low, high, found.rows, found.effective_rows)


def _probability_right(votes: Votes, predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that each prediction is true, given the answers and all predictions."""
    items = np.flatnonzero(predicted >= 0)
    joined = Votes(
        np.append(votes.item, items),
        np.append(votes.annotator, np.full(items.size, votes.annotators)),
        np.append(votes.label, predicted[items]),
        votes.items,
        votes.annotators + 1,
        votes.classes,
    )
    right = np.zeros(votes.items)
    right[items] = dawid_skene(joined).probabilities[items, predicted[items]]
    return right


def _known(right: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the share of the variance of *right or wrong* that is between items: 1 if the truth of each is known."""
    share = weights / weights.sum()
    mean = share @ right
    return float(share @ (right - mean) ** 2 / (mean * (1 - mean)))
