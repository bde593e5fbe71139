"""A loop's labels, bought batch by batch from a labeled data set, by one policy or another; and how right its model gets."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.workloads.labeled_pools import LabeledPool
from include.stages.selection.certainty import reserve
from include.stages.selection.diversity import DIVERSIFIERS
from include.stages.selection.selecting import random_rows
from include.stages.selection.uncertainty_scores import informativeness
from include.stages.selection.vectors import vectors_of

Positions = NDArray[np.int64]
START = 20  # labels to begin with, chosen at random
TESTED = 0.3  # share of the rows on which the model is scored, and that are never labeled
POLICIES = ("ours", "margin", "random")


@dataclass(frozen=True)
class Terms:
    """On which terms labels are bought.

    Attributes
    ----------
    random_share
        Share of each batch that is drawn at random and held out.
    aged
        Batches after which that share is released to training; None if it never is.
    errors
        Probability with which an annotator gives another class, drawn evenly.
    overlap
        Annotators of each row, the most of whom decide.
    """

    random_share: float = 0.2
    aged: int | None = None
    errors: float = 0.0
    overlap: int = 3


class BoughtLabels:
    """Labels of one data set, bought by one policy.

    Parameters
    ----------
    pool
        The data set.
    policy
        One of `POLICIES`.
    seed
        Of the rows that are tested, of the start, and of everything random.
    terms
        On which labels are bought.
    """

    def __init__(self, pool: LabeledPool, policy: str, seed: int, terms: Terms) -> None:
        self._pool, self._policy, self._seed, self._terms = pool, policy, seed, terms
        order = np.random.default_rng([seed, 0]).permutation(len(pool.labels))
        tested = int(TESTED * len(order))
        self._tested, self._rest = order[:tested], order[tested:]
        self._generator = np.random.default_rng([seed, 1])
        self._said = self._answers(np.random.default_rng([seed, 2]))

    @cached_property
    def full(self) -> float:
        """Accuracy of a model that learns the right label of every row that is not tested."""
        return self._score(_fitted(self._pool, self._rest, self._pool.labels))

    def curve(self, most: int) -> Iterator[tuple[int, float]]:
        """Yield how many labels were bought and the accuracy of the model that learns them, after each batch."""
        trained, held, free = self._rest[:START], [], np.sort(self._rest[START:])
        bought = START
        while True:
            model = _fitted(self._pool, trained, self._said)
            yield bought, self._score(model)
            size = min(self._pool.batch, len(free), most - bought)
            if size <= 0:
                return
            drawn = self._generator.choice(free, random_rows(size, self._terms.random_share), replace=False)
            free = np.setdiff1d(free, drawn)
            chosen = self._chosen(model, free, size - len(drawn))
            free, bought = np.setdiff1d(free, chosen), bought + size
            held.append(drawn)
            released = held.pop(0) if self._terms.aged is not None and len(held) > self._terms.aged else drawn[:0]
            trained = np.concatenate([trained, chosen, released])

    def _chosen(self, model: Any, free: Positions, n: int) -> Positions:
        if self._policy == "random":
            return self._generator.choice(free, n, replace=False)
        chances = np.zeros((len(free), len(self._pool.loop.task.classes)))
        chances[:, model.classes_] = model.predict_proba(self._pool.features[free])
        scores = informativeness("margin", chances)
        best = np.argsort(-scores, kind="stable")
        if self._policy == "margin":
            return free[best[:n]]
        best = best[: reserve(n)]
        vectors = vectors_of(self._pool.loop, self._pool.rows.take(pa.array(free[best])))
        return free[best[DIVERSIFIERS["clusters"](scores[best], vectors, n, self._seed)]]

    def _answers(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return what most of the annotators say of each row; of several classes that as many said, one by chance."""
        labels, classes = self._pool.labels, len(self._pool.loop.task.classes)
        if not self._terms.errors:
            return labels
        votes = generator.random((len(labels), classes)) / 2
        for _ in range(self._terms.overlap):
            is_wrong = generator.random(len(labels)) < self._terms.errors
            other = (labels + generator.integers(1, classes, len(labels))) % classes
            votes[np.arange(len(labels)), np.where(is_wrong, other, labels)] += 1
        return np.asarray(votes.argmax(axis=1))

    def _score(self, model: Any) -> float:
        return float((model.predict(self._pool.features[self._tested]) == self._pool.labels[self._tested]).mean())


def labels_needed(curve: list[tuple[int, float]], aim: float, batches: int = 3) -> int | None:
    """Return after how many labels the accuracy is what is aimed at, and stays so for some batches in a row; None if never.

    Parameters
    ----------
    curve
        Labels and accuracy after each batch.
    aim
        The accuracy.
    batches
        In a row, the first one counted.
    """
    for place in range(len(curve) - batches + 1):
        if all(score >= aim for _, score in curve[place : place + batches]):
            return curve[place][0]
    return None


def _fitted(pool: LabeledPool, rows: Positions, labels: NDArray[np.int64]) -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    known = labels[rows]
    model = LogisticRegression(C=pool.strength, max_iter=300) if len(np.unique(known)) > 1 else DummyClassifier()
    return model.fit(pool.features[rows], known)
