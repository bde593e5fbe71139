"""Latent classes: what is true of items that several annotators answered, and how often each annotator is right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.annotator_team import Team
from include.foundation.statistics.model_prior import ModelPrior
from include.foundation.statistics.votes import Votes

ROUNDS = 200
LEARNING_ROUNDS = 10  # the strengths of priors are learned in these, and then stay, so that it converges
TOLERANCE = 1e-3  # of a probability: the part of the way to where it converges that may be left
MACHINE = 1e-12  # a change that is none
AT_ONCE = 4096  # items

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Consensus:
    """The probability of each class for each item, (items, classes), and each annotator's estimated accuracy, (annotators,).

    An item without answers gets the overall shares of the classes; an annotator without answers has the accuracy NaN. The log
    likelihood is that of each item's answers, given what those to the others say of its annotators; 0 where it is not known.
    """

    probabilities: Floats
    accuracy: Floats
    log_likelihood: float = 0.0


def majority(votes: Votes) -> Consensus:
    """Return each item's shares of the answers. A tie stays a tie: the order of the classes does not break it.

    Examples
    --------
    >>> three_answers = np.array([0, 0, 0]), np.array([0, 1, 2]), np.array([1, 1, 0])
    >>> majority(Votes(*three_answers, items=1, annotators=3, classes=2)).probabilities.round(2)
    array([[0.33, 0.67]])
    """
    cells = votes.item * votes.classes + votes.label
    counts = np.bincount(cells, minlength=votes.items * votes.classes).reshape(votes.items, votes.classes)
    total = counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / max(counts.sum(), 1)
    shares = np.where(total > 0, counts / np.maximum(total, 1), overall)
    return Consensus(shares, _accuracy(votes, shares))


def dawid_skene(
    votes: Votes, *others: Votes, model: ModelPrior | None = None, shifts: Floats | None = None
) -> Consensus:
    """Return the posterior probabilities under a model in which every annotator has a confusion matrix, shrunk to the team's.

    Parameters
    ----------
    votes
        Answers of a team.
    *others
        Answers to the same items of others, such as of a model: they say what is true as well, and nothing of the team.
    model
        Prior of what each item is; where it is not heard, and without one, that is the shares of the classes.
    shifts
        By how much else that is known of each item raises the logarithm of the probability of each class, (items, classes).

    Notes
    -----
    Expectation maximisation of Dawid & Skene (1979), which starts at the shares of the answers and is deterministic. Of who
    gave few answers little is known, so that the team says the rest: an annotator's accuracy is shrunk to the team's, and each
    row of the confusion matrix to what the team confuses at that accuracy. How strongly is learned from how much annotators
    differ (empirical Bayes: marginal likelihood over a grid, with a log-normal prior). What an item says of its annotators is
    left out where they say what it is, as in collapsed variational Bayes, else few answers would confirm themselves. The cost
    is linear in answers times classes. Probabilities are multiplied as logarithms, which do not underflow. It ends once what
    seems to be left of the way is shorter than `TOLERANCE` (Aitken; Boehning et al. 1994).
    """
    posterior, teams = majority(votes).probabilities, [Team(each) for each in (votes, *others)]
    before, likelihood = 1.0, 0.0
    for number in range(ROUNDS):
        learning = number < LEARNING_ROUNDS
        for team in teams:
            team.learn(posterior, strengths=learning)
        if model is not None:
            model.learn(posterior, floors=learning)
        posterior, change, likelihood = _updated(posterior, teams, model, shifts)
        if change**2 <= TOLERANCE * (before - change) or change < MACHINE:  # of a geometric series, what is left
            break
        before = change
    return Consensus(posterior, _accuracy(votes, posterior), likelihood)


def _updated(
    posterior: Floats, teams: Sequence[Team], model: ModelPrior | None, shifts: Floats | None
) -> tuple[Floats, float, float]:
    """Return the probabilities of the classes given what was learned, the largest change of one, and the log likelihood.

    Parameters
    ----------
    posterior
        The probabilities before.
    teams, model, shifts
        What says what items are.
    """
    updated, shares, change = np.empty_like(posterior), posterior.sum(axis=0), 0.0
    likelihood = -len(posterior) * float(np.log(max(1, len(posterior) - 1 + posterior.shape[1])))  # of the shares
    for start in range(0, len(posterior), AT_ONCE):
        items = slice(start, min(start + AT_ONCE, len(posterior)))
        own = posterior[items]
        logs = np.log(shares - own + 1)
        if model is not None:
            logs[model.is_heard[items]] = 0.0
            logs += model.logs(items)
        if shifts is not None:
            logs += shifts[items]
        for team in teams:
            logs += team.log_likelihood(posterior, items)
        top = logs.max(axis=1, keepdims=True)
        logs -= top
        np.exp(logs, out=logs)
        total = (logs @ np.ones(logs.shape[1]))[:, None]  # quicker than a sum over few columns
        likelihood += float((top + np.log(total)).sum())
        logs /= total
        change = max(change, float(np.abs(logs - own).max(initial=0.0)))
        updated[items] = logs
    return updated, change, likelihood


def _accuracy(votes: Votes, posterior: Floats) -> Floats:
    """Return the mean probability that an annotator's answers are right, (annotators,); NaN without answers."""
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=votes.annotators)
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    return np.where(answers > 0, right / np.maximum(answers, 1), np.nan)
