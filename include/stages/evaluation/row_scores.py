"""Row scores: what a model earns on one labeled row, 0 to 1. The gate bets on their mean."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.estimates import design_weights


def row_scores(
    loop: Loop, labels: Sequence[str], predictions: ArrayLike, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each row's score: the weight of its class if the prediction is the label, else 0.

    Parameters
    ----------
    loop
        Names the classes.
    labels, predictions
        Class names, (n,); may be empty.
    weights
        float64, (classes,): the weight of each class, see `class_weights`.

    Returns
    -------
    ndarray of float64, (n,)
        0 to 1.
    """
    right = (np.asarray(labels, dtype=object) == np.asarray(predictions, dtype=object)).astype(np.float64)
    class_indices = [loop.task.classes.index(name) for name in labels]
    return np.asarray(right * weights[class_indices]) if right.size else right


def class_weights(loop: Loop, labels: Sequence[str], inclusion_probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the weight of each class: 1 under ``accuracy``, inverse to its share under ``balanced_accuracy``.

    Under ``balanced_accuracy`` the rarest class has the weight 1, and so has a class that no row has. The mean score is then
    proportional to balanced accuracy, and the mean score of a perfect model is the unit in which floor and margin count.

    Parameters
    ----------
    loop
        Names the score and the classes.
    labels
        Class names, (n,); may be empty.
    inclusion_probabilities
        float64, (n,), above 0 and at most 1; shares are weighted by their inverse.

    Returns
    -------
    ndarray of float64, (classes,)
        Above 0 and at most 1.

    Notes
    -----
    Shares are estimated, and intervals of scores take them for known. Where a class has few rows, the interval of a balanced
    score is therefore too narrow; those of recall by class are not.
    """
    if loop.gate.score == "accuracy":
        return np.ones(len(loop.task.classes))
    counts = np.zeros(len(loop.task.classes))
    class_indices = [loop.task.classes.index(name) for name in labels]
    np.add.at(counts, class_indices, design_weights(inclusion_probabilities))
    present = counts > 0
    weights = np.ones(len(counts))
    weights[present] = counts[present].min() / counts[present] if present.any() else 1.0
    return weights
