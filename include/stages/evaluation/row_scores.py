"""The score of one row, bounded in 0 to 1, whose mean the gate bets on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.estimates import design_weights


def row_scores(
    loop: Loop, truth: Sequence[str], predicted: ArrayLike, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each row's score: 1 for a right answer under ``accuracy``, its class's weight under ``balanced_accuracy``.

    Parameters
    ----------
    loop
        Says which score.
    truth, predicted
        Class names, (n,).
    weights
        Of the classes, see `class_weights`.

    Returns
    -------
    ndarray of float64, (n,)
        0 to 1.
    """
    right = (np.asarray(truth, dtype=object) == np.asarray(predicted, dtype=object)).astype(np.float64)
    places = [loop.task.classes.index(name) for name in truth]
    return np.asarray(right * weights[places]) if right.size else right


def class_weights(loop: Loop, truth: Sequence[str], inclusion_probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the weight of each class: all 1, or, for ``balanced_accuracy``, inverse to its weighted share, at most 1.

    A class that no row has gets weight 1. The mean score is then proportional to balanced accuracy, and the mean score of a
    perfect model is the unit in which a floor and a margin count.
    """
    if loop.gate.score == "accuracy":
        return np.ones(len(loop.task.classes))
    counts = np.zeros(len(loop.task.classes))
    places = [loop.task.classes.index(name) for name in truth]
    np.add.at(counts, places, design_weights(inclusion_probabilities))
    present = counts > 0
    weights = np.ones(len(counts))
    weights[present] = counts[present].min() / counts[present] if present.any() else 1.0
    return weights
