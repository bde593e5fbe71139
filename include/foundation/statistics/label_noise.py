"""Accuracy against what is true, not against labels: annotators err, and the errors of labels look like errors of a model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.agreement import krippendorff_alpha
from include.foundation.statistics.estimates import UNKNOWN, Estimate, effective_rows, share_with_interval
from include.foundation.statistics.latent_classes import dawid_skene
from include.foundation.statistics.prediction_powered import NONE, LoggedConfidence, power
from include.foundation.statistics.votes import Votes

FEWEST_REPEATED = 30  # items with two answers or more, below which nothing is known of how often annotators err
LEAST_AGREEMENT = 0.2  # Krippendorff's alpha, below which classes and errors cannot be told apart


class ServedItems(NamedTuple):
    """The drawn rows that items stand for: the item of each, for how many rows it stands, and how confidently it was served."""

    item: NDArray[np.int64]
    weights: NDArray[np.float64]
    confidence: LoggedConfidence


def true_accuracy(
    votes: Votes,
    predicted: NDArray[np.int64],
    weights: NDArray[np.float64],
    unanswered: float = 0.0,
    served: ServedItems | None = None,
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
    served
        The rows behind the items: the estimate is then prediction-powered, as that of labels is.

    Returns
    -------
    Estimate
        Unknown if fewer than `FEWEST_REPEATED` items have two answers or more, or if answers hardly agree: of a class that 3 %
        of items are of, most answers are errors of annotators who err in 15 %, and any share of it would fit them.

    Notes
    -----
    The model is one more annotator, beside the team, of latent classes (`include.foundation.statistics.latent_classes`), and is
    right where answers and its own record say so. Errors must be independent given the class: where a model errs on the same
    items as people, it looks better than it is, by less than labels make it look worse. The interval is the exact one on the
    rows that would tell as much with known truth: the missing information is the variance that each item's truth has left
    (Louis 1982), where one item more is taken to be right and one to be wrong. Confidence explains variance of truth alone.
    """
    if not _tells_noise(votes):
        return UNKNOWN
    right = _probability_right(votes, predicted)
    share, mean = weights / weights.sum(), weights.mean()
    value, known = float(share @ right), _known(np.append(right, [1.0, 0.0]), np.append(weights, [mean, mean]))
    adds = NONE
    if served is not None:
        of_row = right[served.item]
        adds = power(of_row - value, of_row, served.weights, served.confidence, np.arange(of_row.size))
    value = min(1.0, max(0.0, value - adds.luck))
    informative = effective_rows(weights) / (1 / known - known * (1 - 1 / adds.gain))
    found = share_with_interval(value, max(1.0, informative), votes.items)
    answered = float(weights.sum() / (weights.sum() + unanswered))
    low, high = (found.low or 0.0) * answered, (found.high or 0.0) * answered + 1 - answered
    gain = informative / (effective_rows(weights) * known)
    return Estimate(value, low, high, found.rows, found.effective_rows, gain=max(1.0, gain))


def _tells_noise(votes: Votes) -> bool:
    """Tell whether answers say how often they are wrong; where all of them are one class, that is never."""
    if (np.bincount(votes.item, minlength=votes.items) >= 2).sum() < FEWEST_REPEATED:
        return False
    agreement = krippendorff_alpha(votes)
    return agreement is None or agreement >= LEAST_AGREEMENT


def _probability_right(votes: Votes, predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that each prediction is true, given the answers and all predictions."""
    items = np.flatnonzero(predicted >= 0)
    model = Votes(items, np.zeros_like(items), predicted[items], votes.items, 1, votes.classes)
    right = np.zeros(votes.items)
    right[items] = dawid_skene(votes, model).probabilities[items, predicted[items]]
    return right


def _known(right: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the share of the variance of *right or wrong* that is between items: 1 if the truth of each is known."""
    share = weights / weights.sum()
    mean = share @ right
    return float(share @ (right - mean) ** 2 / (mean * (1 - mean)))
