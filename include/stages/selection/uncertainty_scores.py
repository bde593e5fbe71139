"""How informative a label would be, judged by how unsure the model was."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from include.foundation.errors import ContractError

Probabilities = NDArray[np.float64]
SUM_TOLERANCE = 1e-2


def least_confidence(probabilities: Probabilities) -> NDArray[np.float64]:
    """Return 1 minus the largest probability, scaled to 0 to 1 (Settles 2009, section 3.1).

    Examples
    --------
    >>> least_confidence(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([1., 0.])
    """
    classes = probabilities.shape[1]
    return np.asarray((1 - probabilities.max(axis=1)) * classes / (classes - 1))


def margin(probabilities: Probabilities) -> NDArray[np.float64]:
    """Return 1 minus the gap between the two largest probabilities (Scheffer, Decomain & Wrobel 2001).

    Examples
    --------
    >>> margin(np.array([[0.5, 0.5, 0.0], [0.75, 0.25, 0.0]]))
    array([1. , 0.5])
    """
    largest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(1 - (largest[:, 1] - largest[:, 0]))


def entropy(probabilities: Probabilities) -> NDArray[np.float64]:
    """Return Shannon's entropy, scaled to 0 to 1 by the logarithm of the number of classes.

    Examples
    --------
    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([1., 0.])
    """
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return np.asarray(np.abs((probabilities * logs).sum(axis=1) / np.log(probabilities.shape[1])))


SCORES: dict[str, Callable[[Probabilities], NDArray[np.float64]]] = {
    "margin": margin,
    "least_confidence": least_confidence,
    "entropy": entropy,
}


def informativeness(name: str, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the named score of each row, larger is more informative.

    Parameters
    ----------
    name
        One of `SCORES`.
    probabilities
        float64, (n, classes); each row sums to 1, within 0.01. A row of NaN has no score.

    Returns
    -------
    ndarray of float64, (n,)
        0 to 1; NaN where the row has no probabilities. Rows are scaled to sum to exactly 1 first.

    Raises
    ------
    ContractError
        If a row does not sum to 1, or has a negative probability.
    """
    sums = probabilities.sum(axis=1)
    is_known = ~np.isnan(sums)
    known, sums = (probabilities, sums) if is_known.all() else (probabilities[is_known], sums[is_known])
    if (np.abs(sums - 1) > SUM_TOLERANCE).any():
        raise ContractError(
            f"Got probabilities that sum to {sums[np.abs(sums - 1).argmax()]:.3f}, expected 1 in every row"
        )
    if known.size and known.min() < 0:
        raise ContractError(f"Got a probability of {known.min():.3g}, expected none below 0")
    scores = np.full(len(probabilities), np.nan)
    if known.size:
        scores[is_known] = np.clip(SCORES[name](known / sums[:, None]), 0, 1)
    return scores
