"""What is true of items that people answered and models predict, drawn again and again, and figures that carry its doubt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.annotator_team import Team
from include.foundation.statistics.estimates import UNKNOWN, Estimate, effective_rows
from include.foundation.statistics.label_noise import tells_noise
from include.foundation.statistics.latent_classes import dawid_skene
from include.foundation.statistics.votes import Votes

DRAWS, FORGOTTEN = 400, 60
TAIL = 0.025
TINY = 1e-300
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class TrueClasses:
    """Draws of the true class of each item, (draws, items), and for how many rows each stands, (items,).

    Its figures hold the doubt about what is true, which is how draws differ, and that of a sample: the ends of an exact or an
    adjusted interval are drawn in each draw, and the interval reaches from the 2.5 % quantile of the low ends to the 97.5 %
    quantile of the high ones.
    """

    drawn: Numbers
    weights: Floats

    def share(self, of: Flags, right: Flags, informative: float = 1.0, luck: float = 0.0) -> Estimate:
        """Return the weighted share of some items that are right; unknown if no draw has any of them.

        Parameters
        ----------
        of, right
            Which items count, and which of all are right, (draws, items) or (items,).
        informative
            How many rows that do not depend on each other tell as much as one, above 0: fewer in groups, more with confidence.
        luck
            By how much these items are known to be luckier than all that they were drawn from.
        """
        of, right = np.broadcast_arrays(np.atleast_2d(of), np.atleast_2d(right))
        whole = of @ self.weights
        if not whole.any():
            return UNKNOWN
        mean = np.clip((of & right) @ self.weights / np.maximum(whole, TINY) - luck * (whole > 0), 0.0, 1.0)
        rows = whole**2 / np.maximum(of @ self.weights**2, TINY) * informative
        generator = np.random.default_rng(0)
        low = generator.beta(np.maximum(mean * rows, TINY), (1 - mean) * rows + 1)
        high = generator.beta(mean * rows + 1, np.maximum((1 - mean) * rows, TINY))
        value, sampled = float(mean.mean()), float((mean * (1 - mean) / np.maximum(rows, 1.0)).mean())
        worth = value * (1 - value) / max(sampled + float(mean.var()), TINY) if sampled else float(rows.mean())
        return _between(value, low, high, round(float(of.sum(axis=1).mean())), worth)

    def difference(self, of: Flags, higher: Numbers, lower: Numbers, informative: float = 1.0) -> Estimate:
        """Return how much more often one prediction is right than another; unknown of no items.

        Parameters
        ----------
        of
            Which items count, (items,).
        higher, lower
            The classes predicted, (items,).
        informative
            As in `share`.

        Notes
        -----
        Within a draw, the interval of Agresti & Min, as in `include.foundation.statistics.estimates.weighted_difference`.
        """
        if not of.any():
            return UNKNOWN
        weights, drawn = self.weights[of] / self.weights[of].sum(), self.drawn[:, of]
        differences = (drawn == higher[of]).astype(np.float64) - (drawn == lower[of])
        rows, mean, square = effective_rows(weights) * informative, differences @ weights, differences**2 @ weights
        first, second = rows * mean / (rows + 2), (rows * square + 1) / (rows + 2)
        spread = np.sqrt(np.maximum(second - first**2, 0.0) / (rows + 2))
        ends = first + spread * np.random.default_rng(0).standard_normal(first.size)
        return _between(float(mean.mean()), ends, ends, int(of.sum()), rows, least=-1.0)


def true_classes(votes: Votes, predicted: Sequence[Numbers], weights: Floats) -> TrueClasses | None:
    """Return what is true of items, drawn from what answers and models let expect; None where answers do not tell.

    Parameters
    ----------
    votes
        At least one answer to every item.
    predicted
        What each of some models predicts, int64, (items,) each; -1 for a class that no annotator can say.
    weights
        How many rows each item stands for, (items,), above 0.

    Notes
    -----
    Gibbs sampling of latent classes with annotators who are shrunk to their team
    (`include.foundation.statistics.latent_classes`): true classes are drawn given confusion matrices and the shares of classes
    among items of which models say the same, and those given true classes; Dirichlet distributions are conjugate. So the doubt
    about annotators and models is in the draws. Nothing says beforehand that a model is right: where they say the same there is
    one item more, as likely of none of the classes that they name as of each. Seeded.
    """
    if not tells_noise(votes):
        return None
    generator, team = np.random.default_rng(0), Team(votes)
    posterior = dawid_skene(votes).probabilities
    team.learn(posterior, strengths=True)
    said, key = np.unique(np.stack(predicted), axis=1, return_inverse=True)
    named = np.zeros((said.shape[1], votes.classes), dtype=bool)
    for of_model in said:
        named[np.flatnonzero(of_model >= 0), of_model[of_model >= 0]] = True
    classes = _one_of(generator, posterior)
    drawn = np.empty((DRAWS, votes.items), dtype=np.int64)
    for number in range(-FORGOTTEN, DRAWS):
        is_class = np.eye(votes.classes)[classes]
        team.learn(is_class, strengths=False)
        logs = team.draw(generator) + np.log(_shares(generator, is_class, key.ravel(), named))[key.ravel()]
        classes = _one_of(generator, np.exp(logs - logs.max(axis=1, keepdims=True)))
        if number >= 0:
            drawn[number] = classes
    return TrueClasses(drawn, weights)


def _shares(generator: np.random.Generator, is_class: Floats, key: Numbers, named: Flags) -> Floats:
    """Draw the shares of the classes among items of which models say the same, (keys, classes)."""
    counts = np.zeros(named.shape)
    np.add.at(counts, key, is_class)
    others = np.where(named, 0.0, is_class.sum(axis=0) + 1)
    parts = named.sum(axis=1, keepdims=True) + 1
    prior = np.where(named, 1 / parts, others / np.maximum(others.sum(axis=1, keepdims=True), 1) / parts)
    drawn = generator.standard_gamma(counts + prior) + TINY
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _one_of(generator: np.random.Generator, chances: Floats) -> Numbers:
    """Draw a class for each item, in proportion to its chances, (items, classes)."""
    sums = chances.cumsum(axis=1)
    return np.asarray((sums < generator.random((len(sums), 1)) * sums[:, -1:]).sum(axis=1))


def _between(value: float, low: Floats, high: Floats, items: int, worth: float, least: float = 0.0) -> Estimate:
    first, last = max(least, float(np.quantile(low, TAIL))), min(1.0, float(np.quantile(high, 1 - TAIL)))
    return Estimate(value, min(first, value), max(last, value), items, worth)
