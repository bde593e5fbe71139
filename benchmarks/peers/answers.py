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
