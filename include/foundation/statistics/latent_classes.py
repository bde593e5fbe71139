"""Latent classes: what is true of items that several annotators answered, and how often each annotator is right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 200
LEARNING_ROUNDS = 10  # the strengths of priors are learned in these, and then stay, so that it converges
TOLERANCE = 1e-6
STRENGTHS = 2.0 ** np.arange(0, 11)  # of a prior, in answers
SPREAD = 1.0  # of the logarithm of a strength around its ordinary value
SKILL = 8.0  # ordinary strength with which an annotator is as accurate as the team,
CONFUSION = 16.0  # with which they confuse what the team confuses,
ALIKE = 64.0  # and with which the team confuses all classes alike

Floats = NDArray[np.float64]


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


@dataclass(frozen=True)
class Consensus:
    """The probability of each class for each item, (items, classes), and each annotator's estimated accuracy, (annotators,).

    An item without answers gets the overall shares of the classes; an annotator without answers has the accuracy NaN.
    """

    probabilities: Floats
    accuracy: Floats


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


def dawid_skene(votes: Votes, *others: Votes) -> Consensus:
    """Return the posterior probabilities under a model in which every annotator has a confusion matrix, shrunk to the team's.

    Parameters
    ----------
    votes
        Answers of a team.
    *others
        Answers to the same items of others, such as of a model: they say what is true as well, and nothing of the team.

    Notes
    -----
    Expectation maximisation of Dawid & Skene (1979), which starts at the shares of the answers and is deterministic. Of who
    gave few answers little is known, so that the team says the rest: an annotator's accuracy is shrunk to the team's, and each
    row of the confusion matrix to what the team confuses at that accuracy. How strongly is learned from how much annotators
    differ (empirical Bayes: marginal likelihood over a grid, with a log-normal prior). What an item says of its annotators is
    left out where they say what it is, as in collapsed variational Bayes, else few answers would confirm themselves. The cost
    is linear in answers times classes. Probabilities are multiplied as logarithms, which do not underflow.
    """
    posterior, teams = majority(votes).probabilities, [_Team(each) for each in (votes, *others)]
    for number in range(ROUNDS):
        logs = np.log(posterior.sum(axis=0) - posterior + 1)
        logs += sum(team.log_likelihood(posterior, learn=number < LEARNING_ROUNDS) for team in teams)
        updated = np.exp(logs - logs.max(axis=1, keepdims=True))
        updated /= updated.sum(axis=1, keepdims=True)
        change = float(np.abs(updated - posterior).max(initial=0.0))
        posterior = updated
        if change < TOLERANCE:
            break
    return Consensus(posterior, _accuracy(votes, posterior))


class _Team:
    """What each annotator confuses, and how much of that is said by the team.

    An answer counts for each class as much as its item may be of it. All work is on *pairs* of an annotator and a class that
    they said: what nobody said costs nothing.
    """

    def __init__(self, votes: Votes) -> None:
        self._votes, classes = votes, votes.classes
        pairs, self._pair = np.unique(votes.annotator * classes + votes.label, return_inverse=True)
        self._who, self._said = np.divmod(pairs, classes)
        self._is_right = self._said[:, None] == np.arange(classes)
        self._skill: Floats = np.array(SKILL)
        self._alike: Floats = np.array(ALIKE)
        self._confusion: Floats = np.full(classes, CONFUSION)

    def log_likelihood(self, posterior: Floats, *, learn: bool) -> Floats:
        """Return the logarithm of how probable the answers to each item are if it is of each class, (items, classes).

        What the answer itself says of its annotator is left out: it would confirm itself.
        """
        own = posterior[self._votes.item]
        counts = _sums(self._pair, own, self._who.size)
        by_annotator = _sums(self._who, counts, self._votes.annotators)
        prior = self._prior(counts, by_annotator, learn=learn)
        if learn:
            self._confusion = _strength(counts, prior, by_annotator, CONFUSION, axis=0)
        expected, rows = counts + self._confusion * prior, by_annotator[self._who] + self._confusion
        answers = np.log((expected[self._pair] - own) / (rows[self._pair] - own))
        return _sums(self._votes.item, answers, self._votes.items)

    def _prior(self, counts: Floats, by_annotator: Floats, *, learn: bool) -> Floats:
        """Return what annotators of their accuracy are expected to say, (pairs, classes): the team's odds, moved."""
        total = by_annotator.sum(axis=1)
        right = np.bincount(self._who, (counts * self._is_right).sum(axis=1), self._votes.annotators)
        mean = (right.sum() + 2) / (total.sum() + 3)
        if learn:
            outcomes, shares = np.stack([right, total - right]), np.array([[mean], [1 - mean]])
            self._skill = _strength(outcomes, shares, total, SKILL)
        skill = (right + self._skill * mean) / (total + self._skill)
        team = self._team(_sums(self._said, counts, self._votes.classes).T, mean, learn=learn)
        odds = (skill / (1 - skill) * (1 - mean) / mean)[self._who][:, None]
        return np.asarray(np.where(self._is_right, odds, 1.0) * team.T[self._said] / (1 + (odds - 1) * team.diagonal()))

    def _team(self, counts: Floats, mean: float, *, learn: bool) -> Floats:
        """Return the team's confusion matrix, (true, said), shrunk to that of a team which confuses all classes alike."""
        alike = np.where(np.eye(len(counts), dtype=bool), mean, (1 - mean) / max(len(counts) - 1, 1))
        rows = counts.sum(axis=1)
        if learn:
            self._alike = _strength(counts, alike, rows, ALIKE)
        return np.asarray((counts + self._alike * alike) / (rows[:, None] + self._alike))


def _strength(counts: Floats, shares: Floats, rows: Floats, ordinary: float, axis: int | None = None) -> Floats:
    """Return the strength of a prior under which counts are the most probable, in view of what is ordinary.

    Parameters
    ----------
    counts, shares
        How often each outcome occurred, and what share of its row the prior expects of it.
    rows
        Sums of the counts over the outcomes of each row.
    ordinary
        The most probable strength before any count is known, above 0.
    axis
        The one over which the rows of one strength lie; None if all rows have the same.
    """
    found = [
        (_rise(strength * shares, counts).sum(axis) - _rise(np.array(strength), rows).sum(axis))
        - (np.log(strength / ordinary) / SPREAD) ** 2 / 2
        for strength in STRENGTHS
    ]
    return np.asarray(STRENGTHS[np.argmax(found, axis=0)])


def _rise(start: Floats, step: Floats) -> Floats:
    from scipy.special import gammaln

    return np.asarray(gammaln(start + step) - gammaln(start))


def _sums(index: NDArray[np.int64], values: Floats, size: int) -> Floats:
    """Return the sums of the rows of values that have the same index, (size, columns)."""
    columns = values.shape[1]
    cells = (index[:, None] * columns + np.arange(columns)).ravel()
    return np.asarray(np.bincount(cells, values.ravel(), size * columns).reshape(size, columns), dtype=np.float64)


def _accuracy(votes: Votes, posterior: Floats) -> Floats:
    """Return the mean probability that an annotator's answers are right, (annotators,); NaN without answers."""
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=votes.annotators)
    answers = np.bincount(votes.annotator, minlength=votes.annotators)
    return np.where(answers > 0, right / np.maximum(answers, 1), np.nan)
