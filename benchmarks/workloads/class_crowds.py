"""Crowds that err by class: drawn rows with their answers, and two models whose recall differs by class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.estimates import Estimate, weighted_difference, weighted_mean
from include.foundation.statistics.latent_classes import dawid_skene
from include.foundation.statistics.true_classes import true_classes
from include.foundation.statistics.votes import Votes

ROWS = 20_000  # served, of which some are drawn
KEPT = 0.8  # labels.min_confidence
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Answers to drawn rows, what two models say of them, and what is true of all rows that were served.

    ``recall`` is the challenger's by class, ``difference`` its accuracy less the champion's.
    """

    votes: Votes
    truth: Numbers
    champion: Numbers
    challenger: Numbers
    recall: Floats
    difference: float


@dataclass(frozen=True)
class ClassCrowd:
    """Annotators who answer drawn rows.

    Attributes
    ----------
    errors
        How often annotators err, from the best to the worst, who lie evenly between.
    annotators, each
        How many there are, and how many answer each row.
    by_class
        By how much more often than that rows of each class are mistaken.
    shares
        Of the classes.
    champion, challenger
        The models' recall by class.
    rows
        How many are drawn.
    """

    errors: tuple[float, float]
    annotators: int = 3
    each: int = 3
    by_class: Sequence[float] = (1.0, 1.0, 1.0)
    shares: Sequence[float] = (0.5, 0.35, 0.15)
    champion: Sequence[float] = (0.9, 0.8, 0.6)
    challenger: Sequence[float] = (0.95, 0.85, 0.65)
    rows: int = 300

    def draw(self, generator: np.random.Generator) -> Drawn:
        """Return drawn rows, and what their annotators answered."""
        classes, shares = len(self.shares), np.array(self.shares)
        truth = generator.choice(classes, ROWS, p=shares)
        said = [self._said(generator, truth, np.array(of)[truth]) for of in (self.champion, self.challenger)]
        drawn = generator.choice(ROWS, self.rows, replace=False)
        who = np.argsort(generator.random((self.rows, self.annotators)), axis=1)[:, : self.each].ravel()
        item = np.repeat(np.arange(self.rows), self.each)
        errors = np.linspace(*self.errors, self.annotators)[who] * np.array(self.by_class)[truth[drawn][item]]
        label = self._said(generator, truth[drawn][item], 1 - errors)
        right = [each == truth for each in said]
        return Drawn(
            Votes(item, who, label, self.rows, self.annotators, classes), truth[drawn], said[0][drawn], said[1][drawn],
            np.array([right[1][truth == each].mean() for each in range(classes)]), float(right[1].mean() - right[0].mean()),
        )  # fmt: skip

    def _said(self, generator: np.random.Generator, truth: Numbers, accuracy: Floats) -> Numbers:
        """Return the truth, or by error another class; the more frequent, the rather."""
        chances = np.tile(np.array(self.shares), (truth.size, 1))
        chances[np.arange(truth.size), truth] = 0.0
        sums = chances.cumsum(axis=1)
        other = (sums < generator.random((truth.size, 1)) * sums[:, -1:]).sum(axis=1)
        return np.where(generator.random(truth.size) < accuracy, truth, other)


def of_truth(drawn: Drawn) -> tuple[list[Estimate], Estimate] | None:
    """Return the challenger's recall by class, and the difference, against what is true; None where answers do not tell."""
    ones = np.ones(drawn.votes.items)
    truth = true_classes(drawn.votes, [drawn.challenger, drawn.champion], ones)
    if truth is None:
        return None
    recalls = [truth.share(truth.drawn == each, drawn.challenger == each) for each in range(drawn.votes.classes)]
    return recalls, truth.difference(ones > 0, drawn.challenger, drawn.champion)


def of_labels(drawn: Drawn) -> tuple[list[Estimate], Estimate]:
    """Return the same against the labels that a loop would keep."""
    posterior = dawid_skene(drawn.votes).probabilities
    label, kept = posterior.argmax(axis=1), posterior.max(axis=1) >= KEPT
    members = [np.flatnonzero(kept & (label == each)) for each in range(drawn.votes.classes)]
    recalls = [weighted_mean(drawn.challenger[rows] == each, np.ones(rows.size)) for each, rows in enumerate(members)]
    right = [(each == label)[kept].astype(float) for each in (drawn.challenger, drawn.champion)]
    return recalls, weighted_difference(right[0] - right[1], np.ones(right[0].size))
