"""Replay a loop's labels as other strategies would have bought them: each score with each diversifier, and chance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import PublishedDataset, latest
from include.foundation.errors import NothingToDo
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, read_dataset
from include.stages.selection.certainty import reserve
from include.stages.selection.diversity import DIVERSIFIERS
from include.stages.selection.uncertainty_scores import SCORES, informativeness
from include.stages.selection.vectors import Vectors, features
from include.stages.training.fitting import fitted

FEWEST_JUDGES, FEWEST_LABELS = 30, 60
STEPS = 4  # batches that are bought, after the first one, which is random
OFFERED = 0.8  # share of the labels that a repetition may buy
BOUGHT = 0.6  # share of those that it buys
Right = NDArray[np.float64]


@dataclass(frozen=True)
class Strategy:
    """A score and a diversifier; without a score rows are bought at random."""

    score: str | None = None
    diversify: str = "none"

    @property
    def name(self) -> str:
        """As the table names it."""
        return "random" if self.score is None else f"{self.score}, {self.diversify}"


RANDOM = Strategy()
STRATEGIES = (RANDOM, *(Strategy(score, diversify) for score in SCORES for diversify in DIVERSIFIERS))


@dataclass(frozen=True)
class History:
    """What a loop has labeled, as far as it can be replayed.

    Attributes
    ----------
    loop
        The loop.
    pool
        Labels to train on, one of each content.
    judges
        Rows that were drawn at random and are held out, as they were served.
    """

    loop: Loop
    pool: pa.Table
    judges: pa.Table

    @property
    def chosen(self) -> float:
        """Share of the pool that was chosen for its score, by a report or by another nomination, and not at random."""
        is_chosen = pc.equal(self.pool.column("stratum"), "certainty")
        return float(pc.mean(is_chosen.cast(pa.float64())).as_py())

    @property
    def sizes(self) -> list[int]:
        """How many labels a model is trained on at each step, as they double or nearly so."""
        most = int(OFFERED * BOUGHT * self.pool.num_rows)
        first = min(max(10, 2 * len(self.loop.task.classes)), most // 3)
        return [int(size) for size in np.round(np.geomspace(first, most, STEPS + 1))]


def history_of(store: LoopStore) -> History:
    """Return what can be replayed of a loop's newest dataset.

    Raises
    ------
    NothingToDo
        If it is too little to tell strategies apart.
    """
    published = latest(store, PublishedDataset)
    if published is None:
        raise NothingToDo(f"{store.loop.name}: no dataset was published yet; strategies are compared on labels")
    dataset = read_dataset(store, published.subject)
    judges, pool = _judges(dataset), _one_of_each_content(dataset.train)
    classes = len(set(pool.column("label").to_pylist()))
    if judges.num_rows < FEWEST_JUDGES or pool.num_rows < FEWEST_LABELS or classes < 2:
        raise NothingToDo(
            f"{store.loop.name}: too little history: got {judges.num_rows} labeled rows that were drawn at random, "
            f"{pool.num_rows} labels to train on and {classes} classes, expected at least {FEWEST_JUDGES}, {FEWEST_LABELS} and "
            "2; run this again when more labels are back"
        )
    return History(store.loop, pool, judges)


def _judges(dataset: Dataset) -> pa.Table:
    """Return the drawn rows whose content nobody trains on; a holdout of seeds is not what was served, and none of them."""
    if dataset.drawn is None:
        return dataset.holdout.slice(0, 0)
    trained = dataset.train.column("content_key").combine_chunks()
    return dataset.drawn.filter(pc.invert(pc.is_in(dataset.drawn.column("content_key"), value_set=trained)))


def _one_of_each_content(train: pa.Table) -> pa.Table:
    _, first = np.unique(np.array(train.column("content_key").to_pylist(), dtype=object), return_index=True)
    return train.take(pa.array(np.sort(first)))


def replayed(history: History, strategy: Strategy, repetitions: int, seed: int = 0) -> Right:
    """Return whether each judging row is predicted right, as a strategy buys labels.

    Every strategy begins with the same random rows, out of the same random share of the labels, in each repetition.

    Parameters
    ----------
    history
        What is replayed.
    strategy
        Buys.
    repetitions
        How often, above 0.
    seed
        Of the first repetition.

    Returns
    -------
    ndarray of float64, (repetitions, steps, rows)
        1 or 0, at each of ``history.sizes``.

    Raises
    ------
    TrainingError
        If the loop's model cannot be fitted.
    """
    labels = np.array(history.judges.column("label").to_pylist(), dtype=object)
    vectors = features(history.loop, history.pool)
    right = [
        [model.predict(history.judges)[0] == labels for model in _models(history, strategy, vectors, seed + number)]
        for number in range(repetitions)
    ]
    return np.array(right, dtype=np.float64)


def _models(history: History, strategy: Strategy, vectors: Vectors, seed: int) -> Iterator[LoadedModel]:
    """Yield the model after each step of one repetition."""
    generator = np.random.default_rng(seed)
    offered = generator.permutation(history.pool.num_rows)[: int(OFFERED * history.pool.num_rows)]
    bought = _beginning(history, offered, history.sizes[0])
    yield (model := _trained(history, bought))
    for size in history.sizes[1:]:
        rest = offered[~np.isin(offered, bought)]
        bought = np.concatenate(
            [bought, rest[_bought(history, strategy, vectors, rest, size - len(bought), model, seed)]]
        )
        yield (model := _trained(history, bought))


def _trained(history: History, bought: NDArray[np.int64]) -> LoadedModel:
    rows = history.pool.take(pa.array(np.sort(bought)))
    return LoadedModel(history.loop, None, "", "", fitted(history.loop, rows))


def _beginning(history: History, offered: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the first rows in the random order, the last one replaced where they are all of one class."""
    labels = np.array(history.pool.column("label").to_pylist(), dtype=object)[offered]
    first = np.arange(n)
    if (labels[:n] == labels[0]).all() and (labels != labels[0]).any():
        first[-1] = int(np.flatnonzero(labels != labels[0])[0])
    return offered[first]


def _bought(
    history: History,
    strategy: Strategy,
    vectors: Vectors,
    rest: NDArray[np.int64],
    n: int,
    model: LoadedModel,
    seed: int,
) -> NDArray[np.int64]:
    """Return which places of the rest a strategy buys, as selection does: the best by score, spread, and no near duplicates.

    Parameters
    ----------
    history, strategy, vectors
        Of all labels.
    rest
        What is left, in a random order.
    n
        How many are bought.
    model
        Trained on those before.
    seed
        Of the diversifier.
    """
    if strategy.score is None:
        return np.arange(n)
    scores = informativeness(strategy.score, model.predict(history.pool.take(pa.array(rest)))[1])
    order = np.argsort(-scores, kind="stable")
    best = order[: reserve(n)]
    chosen = best[DIVERSIFIERS[strategy.diversify](scores[best], vectors[rest[best]], n, seed)]
    return np.concatenate([chosen, order[~np.isin(order, chosen)]])[:n]
