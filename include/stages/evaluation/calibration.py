"""Calibration: whether predictions with a confidence of 90 % are right in 90 % of cases."""

import numpy as np
from numpy.typing import NDArray

from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, ReliabilityPoint

FEWEST_ROWS = 30
BINS = 10
RESAMPLES = 500


def calibration(confidence: NDArray[np.float64], right: NDArray[np.float64], seed: int = 0) -> ConfidenceCalibration:
    """Return the expected calibration error with its bootstrap interval, and the reliability curve.

    Parameters
    ----------
    confidence
        float64, (n,), 0 to 1, no NaN: the largest probability of each row. May be empty.
    right
        float64, (n,): 1 where the prediction is right, else 0.
    seed
        Seed of the bootstrap.

    Returns
    -------
    ConfidenceCalibration
        Its verdict is ``inconclusive`` with fewer than 30 rows, and it then has no error.

    Notes
    -----
    The error is the mean distance of confidence and share right over ten bins of equal mass (Nixon et al. 2019), weighted by
    their rows. In small samples it is biased upwards, and so is its interval.
    """
    if confidence.size < FEWEST_ROWS:
        return ConfidenceCalibration(verdict="inconclusive", error=None, low=None, high=None, curve=())
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, confidence.size, (RESAMPLES, confidence.size))
    errors = [_error(_curve(confidence[draw], right[draw])) for draw in draws]
    curve = _curve(confidence, right)
    low, high = np.quantile(errors, [0.025, 0.975])
    points = tuple(ReliabilityPoint(*point) for point in curve.tolist())
    return ConfidenceCalibration(
        verdict="measured", error=_error(curve), low=float(low), high=float(high), curve=points
    )


def _curve(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(BINS, confidence.size // 10))
    return np.array([[confidence[part].mean(), right[part].mean(), part.size] for part in parts])


def _error(curve: NDArray[np.float64]) -> float:
    return float(np.abs(curve[:, 0] - curve[:, 1]) @ curve[:, 2] / curve[:, 2].sum())
