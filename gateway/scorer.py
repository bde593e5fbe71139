"""A live model, made ready to answer requests: what it says in today's names, checked before anybody sees it."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gateway.batch_cost import BatchCost
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.errors import TrainingError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.taxonomy import Taxonomy

TRIED_ROWS = (1, 1, 16, 4, 1, 16)  # batches by which a model is tried; the first one is slow and says nothing of cost
SUM_TOLERANCE = 0.01  # half of what a pull takes
TYPES = {"text": pa.string(), "categorical": pa.string(), "numeric": pa.float64(), "vector": pa.list_(pa.float64())}


@dataclass(frozen=True)
class Said:
    """What a model says of one row.

    Attributes
    ----------
    prediction
        The most probable class, in today's name; a retired class keeps its own.
    probabilities
        Of each class that the model speaks, 0 to 1, which add up to 1.
    """

    prediction: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Scorer:
    """A loaded model.

    Attributes
    ----------
    model
        Of the registry.
    """

    model: LoadedModel

    @property
    def version(self) -> str:
        """As logs name it."""
        return str(self.model.version)

    @cached_property
    def _names(self) -> list[str]:
        """Name of each class that the model speaks; several may have one name today."""
        taxonomy = Taxonomy.of(self.model.loop.task)
        spoken = [str(name) for name in self.model.estimator.classes_]
        taxonomy.demand_declared(spoken, f"model (version {self.version})")
        return [taxonomy.shown(name) for name in spoken]

    def score(self, rows: Sequence[Mapping[str, Any]]) -> list[Said]:
        """Return what the model says of each row.

        Parameters
        ----------
        rows
            Values by input, as `read_input` gives them; at least one.

        Raises
        ------
        ConfigError
            If the model speaks classes that the loop file does not declare.
        TrainingError
            If it fails, or says what is no probabilities.
        """
        by_spoken = self.model.spoken_probabilities(_table(self.model.loop, rows))
        sums = by_spoken.sum(axis=1)
        if not (np.abs(sums - 1) <= SUM_TOLERANCE).all() or by_spoken.min() < 0:
            raise TrainingError(f"Version {self.version} says what are no probabilities: sums of {sums[:10]}")
        names, best = self._names, by_spoken.argmax(axis=1)
        if len(set(names)) == len(names):
            listed = by_spoken.tolist()
            return [
                Said(names[place], dict(zip(names, row, strict=True))) for place, row in zip(best, listed, strict=True)
            ]
        return [Said(names[place], _added(names, row)) for place, row in zip(best, by_spoken.tolist(), strict=True)]

    def tried(self) -> BatchCost:
        """Ask the model about made-up rows, and return what batches cost.

        Raises
        ------
        ConfigError, TrainingError
            As `score` does.
        """
        cost = BatchCost()
        row = {name: _made_up(item) for name, item in self.model.loop.inputs.items()}
        for turn, rows in enumerate(TRIED_ROWS):
            begin = time.perf_counter()
            self.score([row] * rows)
            if turn:
                cost.learn(rows, time.perf_counter() - begin)
        return cost


def _table(loop: Loop, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    arrays = {
        f"input_{name}": pa.array([row[name] for row in rows], TYPES[item.type]) for name, item in loop.inputs.items()
    }
    return pa.table(arrays)


def _added(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    by_name = dict.fromkeys(names, 0.0)
    for name, value in zip(names, values, strict=True):
        by_name[name] += value
    return by_name


def _made_up(item: Input) -> Any:
    """Return a value that the loop file lets in."""
    if item.type in {"text", "categorical"}:
        return "a made-up text of a few words"
    low = item.minimum if item.minimum is not None else -math.inf
    high = item.maximum if item.maximum is not None else math.inf
    number = min(max(0.0, low), high)
    return [number] * (item.size or 0) if item.type == "vector" else number
