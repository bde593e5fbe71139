"""Accuracy against what is true, not against labels: annotators err, and the errors of labels look like errors of a model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.agreement import krippendorff_alpha
from include.foundation.statistics.estimates import UNKNOWN, Estimate, effective_rows, share_with_interval
from include.foundation.statistics.latent_classes import dawid_skene, majority
from include.foundation.statistics.prediction_powered import NONE, LoggedConfidence, power
from include.foundation.statistics.votes import Votes

FEWEST_REPEATED = 30  # items with two answers or more, below which nothing is known of how often annotators err
BETTER = np.linspace(-1.0, 5.0, 13)  # logarithms of the odds of being right, over what the shares of the answers say
BETWEEN = np.linspace(-1.0, 5.0, 601)
Floats = NDArray[np.float64]
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
    items as people, it looks better than it is, by less than labels make it look worse. How good its record is is not known
    either: where many annotators gave few answers each, one that is always right explains them nearly as well as one that is
    right in 0.85. All records that do count, as much as each makes the answers likely. The interval is the exact one on the
    rows that would tell as much with known truth: what is missing is the variance that each item's truth has left (Louis 1982),
    where one item more is taken to be right and one to be wrong, and that between records. Confidence explains variance of
    truth alone.
    """
    if not tells_noise(votes):
        return UNKNOWN
    share, mean = weights / weights.sum(), weights.mean()
    logs, by_record = _probability_right(votes, predicted)
    likely, values = _between(logs, by_record @ share)
    value = min(1.0, float(likely @ values))
    right = _at(np.interp(value, by_record @ share, BETTER), by_record)
    padded, weighed = np.append(right, [1.0, 0.0]), np.append(weights, [mean, mean])
    known = _known(padded, weighed)
    spread = float(likely @ (values - value) ** 2) / _variance(padded, weighed)
    adds = NONE
    if served is not None:
        of_row = right[served.item]
        adds = power(of_row - value, of_row, served.weights, served.confidence, np.arange(of_row.size))
    value = min(1.0, max(0.0, value - adds.luck))
    informative = effective_rows(weights) / (1 / known - known * (1 - 1 / adds.gain))
    exact = share_with_interval(value, max(1.0, 1 / (1 / informative + spread)), votes.items)
    answered = float(weights.sum() / (weights.sum() + unanswered))
    low, high = (exact.low or 0.0) * answered, (exact.high or 0.0) * answered + 1 - answered
    gain = informative / (effective_rows(weights) * known)
    return Estimate(value, low, high, exact.rows, exact.effective_rows, gain=max(1.0, gain))


def tells_noise(votes: Votes) -> bool:
    """Tell whether answers say how often they are wrong; where all of them are one class, that is never."""
    if (np.bincount(votes.item, minlength=votes.items) >= 2).sum() < FEWEST_REPEATED:
        return False
    agreement = krippendorff_alpha(votes)
    return agreement is None or agreement >= LEAST_AGREEMENT


def _probability_right(votes: Votes, predicted: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return how likely records of the model are, (records,), and how probably predictions are then true, (records, items).

    Records are what the model confuses by the shares of the answers, with better odds of being right by each of `BETTER`; one
    that is much worse would be a record of other classes. The first is a logarithm, but for what is the same for all.
    """
    said = np.flatnonzero(predicted >= 0)
    confused = np.full((votes.classes, votes.classes), 1 / votes.classes)
    np.add.at(confused.T, predicted[said], majority(votes).probabilities[said])
    logs, right = np.zeros(BETTER.size), np.zeros((BETTER.size, votes.items))
    for place, times in enumerate(np.exp(BETTER)):
        record = np.where(np.eye(votes.classes, dtype=bool), confused * times, confused)
        record /= record.sum(axis=1, keepdims=True)
        says = np.zeros((votes.items, votes.classes))
        says[said] = np.log(record[:, predicted[said]].T)
        fitted = dawid_skene(votes, shifts=says)
        right[place, said] = fitted.probabilities[said, predicted[said]]
        diagonal, shares = record.diagonal(), fitted.probabilities.mean(axis=0)
        logs[place] = fitted.log_likelihood + np.log(
            shares @ (diagonal * (1 - diagonal))
        )  # any share right is as likely
    return logs, right


def _between(logs: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return how likely each record between `BETTER` is, and its value, both (`BETWEEN`,): many items tell them well apart."""
    from scipy.interpolate import CubicSpline

    finer = CubicSpline(BETTER, logs)(BETWEEN)
    likely = np.exp(finer - finer.max())
    return likely / likely.sum(), CubicSpline(BETTER, values)(BETWEEN)


def _at(place: float, by_record: Floats) -> Floats:
    """Return what is between the rows of two records."""
    first = int(np.clip(np.searchsorted(BETTER, place) - 1, 0, BETTER.size - 2))
    part = (place - BETTER[first]) / (BETTER[first + 1] - BETTER[first])
    return np.asarray((1 - part) * by_record[first] + part * by_record[first + 1])


def _known(right: Floats, weights: Floats) -> float:
    """Return the share of the variance of *right or wrong* that is between items: 1 if the truth of each is known."""
    share = weights / weights.sum()
    return float(share @ (right - share @ right) ** 2 / _variance(right, weights))


def _variance(right: Floats, weights: Floats) -> float:
    mean = float(weights @ right / weights.sum())
    return mean * (1 - mean)
