"""Rehearse training before there are labels: fit, write, read and use a tiny model on invented rows of the loop's inputs."""

import warnings
from typing import Any

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.errors import TrainingError
from include.foundation.models.frames import features_frame
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.models.model_files import load_model, save_model
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.stages.training.fitting import fitted

MOST_CLASSES = 50
ROWS_PER_CLASS = 12  # ten-fold cross-validation within a model finds enough
TOLERANCE = 1e-6


def rehearse(loop: Loop) -> None:
    """Do with a tiny model what retraining will do with a real one.

    The rows are of every input and every class, up to 50 classes; an input that is not required is missing in two of the twelve
    rows of each class.

    Raises
    ------
    ConfigError
        If the factory cannot be used.
    TrainingError
        If the model cannot be fitted or written, or its probabilities are none.
    DeploymentError
        If the model cannot be read back.
    """
    rows, others = _invented(loop, seed=0), _invented(loop, seed=1)
    with warnings.catch_warnings(), scratch_folder() as folder:
        warnings.simplefilter("ignore")
        estimator = fitted(loop, rows)
        place = folder / "model"
        save_model(estimator, place, features_frame(loop, rows))
        before, after = (_probabilities(loop, model, others) for model in (estimator, load_model(place)))
    if not np.allclose(before, after, atol=TOLERANCE):
        raise TrainingError(f"{loop.training.factory}: the model answers otherwise after it was written and read back")


def _probabilities(loop: Loop, estimator: Any, rows: pa.Table) -> np.ndarray:
    """Return a model's probabilities, which are demanded to be some."""
    known = [str(name) for name in estimator.classes_]
    if strange := sorted(set(known) - set(loop.task.classes)):
        raise TrainingError(f"{loop.training.factory}: the model answers {strange}, expected classes of task.classes")
    probabilities = LoadedModel(loop, None, "rehearsal", "rehearsal", estimator).predict(rows)[1]
    if not (np.isfinite(probabilities).all() and np.abs(probabilities.sum(axis=1) - 1).max() <= TOLERANCE):
        raise TrainingError(f"{loop.training.factory}: predict_proba returns numbers that are no probabilities")
    return probabilities


def _invented(loop: Loop, seed: int) -> pa.Table:
    """Return rows with labels: `ROWS_PER_CLASS` of each class."""
    chance = np.random.default_rng(seed)
    classes = loop.task.classes[:MOST_CLASSES]
    labels = [name for _ in range(ROWS_PER_CLASS) for name in classes]
    columns: dict[str, list[Any]] = {"label": labels}
    for name, item in loop.inputs.items():
        columns[loop.input_columns[name]] = [
            None if not item.required and row % 5 == 4 else _value(item, chance, of_class)
            for row in range(ROWS_PER_CLASS)
            for of_class in range(len(classes))
        ]
    return pa.table(columns)


def _value(item: Input, chance: np.random.Generator, of_class: int) -> Any:
    """Return a value of an input, which tells a little about the class."""
    if item.type == "text":
        return f"word{of_class} and some other words {chance.integers(20)}"
    if item.type == "categorical":
        return f"kind {(of_class + chance.integers(2)) % 7}"
    low, high = _bounds(item)
    numbers = low + (high - low) * chance.random(item.size or 1)
    return float(numbers[0]) if item.type == "numeric" else numbers.tolist()


def _bounds(item: Input) -> tuple[float, float]:
    """Return the bounds of an input; 1 wide where the loop file leaves one open."""
    if item.minimum is None:
        return (0.0, 1.0) if item.maximum is None else (item.maximum - 1, item.maximum)
    return item.minimum, item.minimum + 1 if item.maximum is None else item.maximum
