"""What each annotator of a team confuses, learned from items of which it is only probable what they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.votes import Votes

STRENGTHS = 2.0 ** np.arange(0, 11, dtype=np.float64)  # of a prior, in answers
SPREAD = 1.0  # of the logarithm of a strength around its ordinary value
SKILL = 8.0  # ordinary strength with which an annotator is as accurate as the team,
CONFUSION = 16.0  # with which they confuse what the team confuses,
ALIKE = 64.0  # and with which the team confuses all classes alike
TINY = 1e-300
CELLS_AT_ONCE = 2**15  # of counts under a strength each, which stay in the processor's cache

Floats = NDArray[np.float64]


class Team:
    """What each annotator confuses, and how much of that is said by the team.

    An answer counts for each class as much as its item may be of it. All work is on *pairs* of an annotator and a class that
    they said: what nobody said costs nothing. Sums over answers are products with sparse matrices, and what is as large as
    answers times classes is held for some items at a time, so that it stays in the processor's cache.
    """

    def __init__(self, votes: Votes) -> None:
        from scipy import sparse

        order = np.argsort(votes.item, kind="stable")
        item, annotator, label = votes.item[order], votes.annotator[order], votes.label[order]
        cells, places = annotator * votes.classes + label, votes.annotators * votes.classes
        given = np.bincount(cells, minlength=places) > 0
        self._pair, self._answerer, self._item = (np.cumsum(given) - 1)[cells], annotator, item
        self._who, self._said = np.divmod(np.flatnonzero(given), votes.classes)
        shape = (votes.items, int(given.sum()))
        self._by_pair = sparse.csr_matrix((np.ones(item.size), (item, self._pair)), shape).T.tocsr()
        self._first = np.searchsorted(item, np.arange(votes.items + 1))
        self._annotators, self._classes = votes.annotators, votes.classes
        self._is_right = self._said[:, None] == np.arange(votes.classes)
        self._skill: Floats = np.array(SKILL)
        self._alike: Floats = np.array(ALIKE)
        self._confusion: Floats = np.full(votes.classes, CONFUSION)
        self._expected = self._rows = np.ones((shape[1], votes.classes))

    def learn(self, posterior: Floats, *, strengths: bool) -> None:
        """Learn from the probabilities of the classes of each item what annotators confuse.

        Parameters
        ----------
        posterior
            Of the classes, (items, classes).
        strengths
            Whether the strengths of the priors are learned, too.
        """
        counts = np.asarray(self._by_pair @ posterior)
        by_annotator = _sums(self._who, counts, self._annotators)
        prior = self._prior(counts, by_annotator, learn=strengths)
        if strengths:
            self._confusion = _strength(counts, prior, by_annotator, CONFUSION, axis=0)
        self._expected = counts + self._confusion * prior
        self._rows = (by_annotator + self._confusion)[self._who]

    def log_likelihood(self, posterior: Floats, items: slice) -> Floats:
        """Return the logarithm of how probable the answers to some items are if they are of each class, (some, classes).

        What an answer itself says of its annotator is left out: it would confirm itself.

        Parameters
        ----------
        posterior
            What was learned from, (items, classes).
        items
            The items, one after the other.
        """
        from scipy import sparse

        first = self._first[items.start : items.stop + 1]
        answers = slice(first[0], first[-1])
        pair, own = self._pair[answers], posterior[self._item[answers]]
        logs = np.take(self._expected, pair, axis=0)
        rows = np.take(self._rows, pair, axis=0)
        logs -= own
        rows -= own
        logs /= rows
        np.log(logs, out=logs)
        count = len(pair)
        sums: Any = sparse.csr_matrix((np.ones(count), np.arange(count), first - first[0]), (len(first) - 1, count))
        return np.asarray(sums @ logs)

    def draw(self, generator: np.random.Generator) -> Floats:
        """Return what `log_likelihood` would be of all items if annotators confused what is drawn from what was learned.

        Parameters
        ----------
        generator
            Of the draws: gammas, of which the shares of each row of a confusion matrix are a draw from its distribution.
        """
        expected, rows = _sums(self._who, self._expected, self._annotators), np.zeros((self._annotators, self._classes))
        rows[self._who] = self._rows
        said = generator.standard_gamma(self._expected)
        of_row = generator.standard_gamma(np.maximum(rows - expected, 0.0)) + _sums(self._who, said, self._annotators)
        return np.asarray(self._by_pair.T @ np.log(np.maximum(said, TINY) / np.maximum(of_row, TINY)[self._who]))

    def _prior(self, counts: Floats, by_annotator: Floats, *, learn: bool) -> Floats:
        """Return what annotators of their accuracy are expected to say, (pairs, classes): the team's odds, moved."""
        total = by_annotator.sum(axis=1)
        right = np.bincount(self._who, (counts * self._is_right).sum(axis=1), self._annotators)
        mean = (right.sum() + 2) / (total.sum() + 3)
        if learn:
            outcomes, shares = np.stack([right, total - right]), np.array([[mean], [1 - mean]])
            self._skill = _strength(outcomes, shares, total, SKILL)
        skill = (right + self._skill * mean) / (total + self._skill)
        team = self._team(_sums(self._said, counts, self._classes).T, mean, learn=learn)
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
    at_once = max(1, CELLS_AT_ONCE // counts.size) if counts.size else len(STRENGTHS)
    parts = [STRENGTHS[start : start + at_once] for start in range(0, len(STRENGTHS), at_once)]
    logs = np.concatenate([_log_likelihoods(part, counts, shares, rows, axis) for part in parts])
    ordinariness = (np.log(STRENGTHS / ordinary) / SPREAD) ** 2 / 2
    return np.asarray(STRENGTHS[np.argmax((logs.T - ordinariness).T, axis=0)])


def _log_likelihoods(strengths: Floats, counts: Floats, shares: Floats, rows: Floats, axis: int | None) -> Floats:
    """Return the logarithm of how probable counts are under each strength, (strengths, those that ``axis`` leaves)."""
    of_cells = _rise(strengths[:, None, None] * shares, counts)
    of_rows = _rise(strengths.reshape(-1, *[1] * rows.ndim), rows)
    if axis is not None:
        return np.asarray(of_cells.sum(axis + 1) - of_rows.sum(axis + 1))
    return np.asarray(of_cells.reshape(len(strengths), -1).sum(1) - of_rows.reshape(len(strengths), -1).sum(1))


def _rise(start: Floats, step: Floats) -> Floats:
    from scipy.special import gammaln

    return np.asarray(gammaln(start + step) - gammaln(start))


def _sums(index: NDArray[np.int64], values: Floats, size: int) -> Floats:
    """Return the sums of the rows of values that have the same index, (size, columns)."""
    columns = values.shape[1]
    cells = (index[:, None] * columns + np.arange(columns)).ravel()
    return np.asarray(np.bincount(cells, values.ravel(), size * columns).reshape(size, columns), dtype=np.float64)
