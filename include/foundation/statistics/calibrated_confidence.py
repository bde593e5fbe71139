"""Calibrated confidence: which share of predictions is right, by how confident the model was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_LABELS = 30
PRIOR_ROWS = 10.0
GROUPS = 5
_TAILS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01]
# The same for every version and day, so that nothing need be looked up; finer where probabilities crowd.
CONFIDENCE_EDGES = [
    -np.inf, *_TAILS, *(round(0.02 * step, 2) for step in range(1, 50)), *(1 - low for low in reversed(_TAILS)), np.inf,
]  # fmt: skip
_INNER = np.array(CONFIDENCE_EDGES[1:-1])
_LIMITS = np.clip(CONFIDENCE_EDGES, 0.0, 1.0)
BIN_CENTRES = (_LIMITS[1:] + _LIMITS[:-1]) / 2
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Which share of predictions is correct, by confidence.

    Attributes
    ----------
    confidence, correct
        Points of the curve, both float64, (groups,), rising, 0 to 1; it is linear between them.
    labels
        Number of labels that it rests on; 0 if it is the identity.
    """

    confidence: Floats
    correct: Floats
    labels: int

    def __call__(self, confidence: Floats) -> Floats:
        """Return the share that is correct at each confidence, (n,)."""
        return np.interp(confidence, self.confidence, self.correct)


UNCALIBRATED = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0)


def calibrated(confidence: Floats, correct: Floats, weights: Floats) -> Calibration:
    """Return the calibration that labeled rows give; the identity with fewer than thirty of them.

    Parameters
    ----------
    confidence
        Largest probability of each labeled row, float64, (n,), 0 to 1.
    correct
        1.0 if the prediction was correct, else 0.0, float64, (n,).
    weights
        1 / inclusion probability, float64, (n,).

    Notes
    -----
    Five groups of equal size by confidence. The share correct of each is shrunk towards its mean confidence, as if ten more
    rows had it, and made to rise by a running maximum.
    """
    if confidence.size < FEWEST_LABELS:
        return UNCALIBRATED
    centres, shares = [], []
    for group in np.array_split(np.argsort(confidence, kind="stable"), GROUPS):
        scaled = weights[group] * group.size / weights[group].sum()
        centre = float(np.average(confidence[group], weights=weights[group]))
        centres.append(centre)
        shares.append((float(scaled @ correct[group]) + PRIOR_ROWS * centre) / (group.size + PRIOR_ROWS))
    return Calibration(np.array(centres), np.maximum.accumulate(shares), int(confidence.size))


def confidence_bins(confidence: Floats) -> NDArray[np.intp]:
    """Return the bin of each confidence, (n,), among those that days are counted in; NaN is in the last.

    Examples
    --------
    >>> BIN_CENTRES[confidence_bins(np.array([0.51, 0.9999, 1.0]))].round(5).tolist()
    [0.51, 0.99995, 0.99995]
    """
    return np.searchsorted(_INNER, confidence, side="right")
