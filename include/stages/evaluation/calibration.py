"""Calibration: whether predictions with a confidence of 90 % are right in 90 % of cases."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, ReliabilityPoint
from include.foundation.statistics.estimates import design_weights

FEWEST_ROWS = 30
BINS = 10
RESAMPLES = 500


def calibration(
    confidence: NDArray[np.float64], right: NDArray[np.float64], inclusion_probabilities: ArrayLike, seed: int = 0
) -> ConfidenceCalibration:
    """Return the expected calibration error with its bootstrap interval, and the reliability curve.

    Parameters
    ----------
    confidence
        float64, (n,), 0 to 1, no NaN: the largest probability of each row. May be empty.
    right
        float64, (n,): 1 where the prediction is right, else 0.
    inclusion_probabilities
        float64, (n,), above 0, at most 1: rows count for as many as they stand for.
    seed
        Seed of the bootstrap.

    Returns
    -------
    ConfidenceCalibration
        Its verdict is ``inconclusive`` with fewer than 30 rows, and it then has no error.

    Notes
    -----
    The error is the mean distance of confidence and share right over ten bins of equally many rows (Nixon et al. 2019),
    weighted by what their rows stand for. In small samples it is biased upwards, and so is its interval.
    """
    if confidence.size < FEWEST_ROWS:
        return ConfidenceCalibration(verdict="inconclusive", error=None, low=None, high=None, curve=())
    weights = design_weights(inclusion_probabilities)
    weights = weights / weights.mean()
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, confidence.size, (RESAMPLES, confidence.size))
    errors = [_error(_curve(confidence[draw], right[draw], weights[draw])) for draw in draws]
    curve = _curve(confidence, right, weights)
    low, high = np.quantile(errors, [0.025, 0.975])
    points = tuple(ReliabilityPoint(*point) for point in curve.tolist())
    return ConfidenceCalibration(
        verdict="measured", error=_error(curve), low=float(low), high=float(high), curve=points
    )


def _curve(
    confidence: NDArray[np.float64], right: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(BINS, confidence.size // 10))
    mass = np.array([weights[part].sum() for part in parts])
    sums = np.array([[weights[part] @ confidence[part], weights[part] @ right[part]] for part in parts])
    return np.column_stack([sums / mass[:, None], mass * order.size / mass.sum()])


def _error(curve: NDArray[np.float64]) -> float:
    return float(np.abs(curve[:, 0] - curve[:, 1]) @ curve[:, 2] / curve[:, 2].sum())
