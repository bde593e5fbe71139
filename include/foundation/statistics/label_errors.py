"""Labels that are probably wrong: what a model is sure of, and labels deny."""

import numpy as np
from numpy.typing import NDArray

FEWEST_OF_A_CLASS = 5  # labels of a class, below which it is not known how sure a model of it usually is
ROUNDING = 1e-6  # of a mean: what is always said is as much as is usually said

Floats = NDArray[np.float64]


def suspected_errors(labels: NDArray[np.int64], probabilities: Floats) -> NDArray[np.bool_]:
    """Return which labels are probably wrong.

    Parameters
    ----------
    labels
        The class of each row, (rows,).
    probabilities
        What a model that did not learn from these rows said of each, (rows, classes), without NaN.

    Notes
    -----
    Confident learning (Northcutt, Jiang & Chuang, JAIR 2021): a model is *confident* of a class where its probability is at
    least its mean among the rows with that label, so that it may be too sure or not sure enough of any class. Suspected is a
    row if the most probable class of which the model is confident is not its label: what is off the diagonal of the confident
    joint. A class with few labels accuses nobody.

    Examples
    --------
    >>> given = np.repeat([0, 1], 6)
    >>> said = np.where(given[:, None] == [0, 1], 0.8, 0.2)
    >>> said[0] = [0.05, 0.95]
    >>> suspected_errors(given, said).tolist().index(True)
    0
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    own = np.bincount(labels, probabilities[np.arange(labels.size), labels], classes)
    usual = np.where(counts >= FEWEST_OF_A_CLASS, own / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= usual - ROUNDING, probabilities, -1.0)
    return np.asarray((confident.max(axis=1) >= 0) & (confident.argmax(axis=1) != labels))
