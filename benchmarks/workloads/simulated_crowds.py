"""Simulated items that annotators answer, some of them hard for everyone, and a model that predicts them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.votes import Votes

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """The true classes, the votes, and each annotator's accuracy; which items are hard, and what is said of them by error."""

    truth: Numbers
    votes: Votes
    accuracy: Floats
    is_hard: NDArray[np.bool_]
    alike: Numbers


@dataclass(frozen=True)
class Crowd:
    """Items that annotators answer; ``accuracy`` draws that of each.

    ``hard`` is the share of items on which everyone is right 30 points less often than on the others, and errs alike.
    """

    items: int
    annotators: int
    each: int
    classes: int
    accuracy: Callable[[np.random.Generator], Floats]
    hard: float = 0.0

    def draw(self, generator: np.random.Generator) -> Answers:
        """Return what is true, and what annotators say."""
        truth = generator.integers(0, self.classes, self.items)
        asked = np.argsort(generator.random((self.items, self.annotators)), axis=1)[:, : self.each]
        item, who, accuracy = np.repeat(np.arange(self.items), self.each), asked.ravel(), self.accuracy(generator)
        is_hard, alike = generator.random(self.items) < self.hard, self._wrong(generator, truth)
        right = generator.random(item.size) < accuracy[who] + 0.3 * (self.hard - is_hard[item])
        label = np.where(right, truth[item], np.where(is_hard, alike, -1)[item])
        label = np.where(label < 0, self._wrong(generator, truth[item]), label)
        votes = Votes(item, who, label, self.items, self.annotators, self.classes)
        return Answers(truth, votes, accuracy, is_hard, alike)

    def predictions(self, generator: np.random.Generator, answers: Answers, accuracy: float) -> Numbers:
        """Return what a model predicts; by error of a hard item it says what people say in half of them.

        Parameters
        ----------
        generator
            Of random numbers.
        answers
            What is true, and which items are hard.
        accuracy
            Of the model.
        """
        right = generator.random(self.items) < accuracy + 0.3 * (self.hard - answers.is_hard)
        is_alike = answers.is_hard & (generator.random(self.items) < 0.5)
        wrong = np.where(is_alike, answers.alike, self._wrong(generator, answers.truth))
        return np.where(right, answers.truth, wrong)

    def _wrong(self, generator: np.random.Generator, truth: Numbers) -> Numbers:
        return (truth + generator.integers(1, self.classes, truth.size)) % self.classes


def of(*accuracies: float) -> Callable[[np.random.Generator], Floats]:
    """Return what draws always the same accuracies."""
    return lambda _: np.array(accuracies)


def around(
    right: float, wrong: float, annotators: int, spammers: float = 0.0
) -> Callable[[np.random.Generator], Floats]:
    """Return what draws accuracies from a beta distribution, and of a share of spammers 0.25.

    Parameters
    ----------
    right, wrong
        Of the distribution.
    annotators
        How many.
    spammers
        Share of those that answer by chance.
    """

    def draw(generator: np.random.Generator) -> Floats:
        drawn = generator.beta(right, wrong, annotators)
        return np.where(np.arange(annotators) < spammers * annotators, 0.25, drawn)

    return draw
