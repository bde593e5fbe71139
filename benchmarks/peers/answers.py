"""Answers of a crowd as a consensus is given them, and how right it is. Runs in the peers' environments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


def judge(path: str, decide: Callable[[Any], NDArray[Any]]) -> None:
    """Print, as JSON, how right the labels are and by how much their confidence is off.

    Parameters
    ----------
    path
        ``.npz`` with ``truth``, ``item``, ``annotator``, ``label`` and ``probabilities``, see
        `benchmarks.workloads.crowd_answers`.
    decide
        Takes what is in the file, and returns the probabilities of the classes, (tasks, classes).
    """
    with np.load(Path(path)) as given:
        arrays = {name: given[name] for name in given.files}
    truth = arrays.pop("truth")
    print(json.dumps(figures(decide(arrays), truth)))


def accuse(path: str, suspect: Callable[[Any, Any], NDArray[Any]]) -> None:
    """Print, as JSON, how many labels of the majority are suspected, the share of these that are wrong, and of the wrong ones.

    Parameters
    ----------
    path
        As in `judge`.
    suspect
        Takes the labels, (tasks,), and the model's probabilities, (tasks, classes), and returns which are suspected.
    """
    with np.load(Path(path)) as given:
        item, label, truth, model = (given[name] for name in ("item", "label", "truth", "probabilities"))
    tasks, classes = model.shape
    labels = np.bincount(item * classes + label, minlength=tasks * classes).reshape(tasks, classes).argmax(axis=1)
    suspected, is_wrong = suspect(labels, model), labels != truth
    found = {"suspected": int(suspected.sum()), "precision": float(is_wrong[suspected].mean())}
    print(json.dumps(found | {"recall": float(suspected[is_wrong].mean())}))


def figures(probabilities: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Return the share of right labels, and the expected calibration error over ten bins of equal width.

    Parameters
    ----------
    probabilities
        Of the classes, (tasks, classes).
    truth
        The class of each task, (tasks,).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    apart = np.bincount(bins, confidence - right, BINS)
    return {"accuracy": float(right.mean()), "ece": float(np.abs(apart).sum() / truth.size)}
