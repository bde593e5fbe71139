"""Calibration: whether predictions with a confidence of 90 % are right in 90 % of cases."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.decisions.challenger_evaluation import ConfidenceCalibration, ReliabilityPoint
from include.foundation.statistics.estimates import design_weights

FEWEST_ROWS = 30
BINS = 10
RESAMPLES = 500
TAIL = 0.025  # of the interval, on either side


def calibration(
    confidence: NDArray[np.float64], right: NDArray[np.float64], inclusion_probabilities: ArrayLike, seed: int = 0
) -> ConfidenceCalibration:
    """Return the expected calibration error with its interval, and the reliability curve.

    Parameters
    ----------
    confidence
        float64, (n,), 0 to 1, no NaN: the largest probability of each row. May be empty.
    right
        float64, (n,): 1 where the prediction is right, else 0.
    inclusion_probabilities
        float64, (n,), above 0, at most 1: rows count for as many as they stand for.
    seed
        Seed of what chance does.

    Returns
    -------
    ConfidenceCalibration
        Its verdict is ``inconclusive`` with fewer than 30 rows, and it then has no error.

    Notes
    -----
    The error is the mean distance of confidence and share right over ten bins of equally many rows (Nixon et al. 2019),
    weighted by what their rows stand for. In small samples it is biased upwards: chance alone makes distances. Its lower end is
    the smallest error with which chance would bring about as much in one of 40 cases, so mostly zero where confidence is true;
    the upper end is that of the bootstrap, which is biased upwards, too.
    """
    if confidence.size < FEWEST_ROWS:
        return ConfidenceCalibration(verdict="inconclusive", error=None, low=None, high=None, curve=())
    weights = design_weights(inclusion_probabilities)
    weights = weights / weights.mean()
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, confidence.size, (RESAMPLES, confidence.size))
    errors = [_error(_curve(confidence[draw], right[draw], weights[draw])) for draw in draws]
    curve = _curve(confidence, right, weights)
    error, points = _error(curve), tuple(ReliabilityPoint(*point[:3]) for point in curve.tolist())
    high = max(error, float(np.quantile(errors, 1 - TAIL)))
    return ConfidenceCalibration(
        verdict="measured", error=error, low=_least(curve, error, generator), high=high, curve=points
    )


def _least(curve: NDArray[np.float64], error: float, generator: np.random.Generator) -> float:
    """Return the smallest error that chance makes the found one of: the bins' distances, all shrunk alike, and their noise."""
    confidence, right, mass, rows = curve.T
    chance = (right * rows + 1) / (rows + 2)
    noise = generator.normal(size=(RESAMPLES, rows.size)) * np.sqrt(chance * (1 - chance) / rows)
    shrunk = np.linspace(0, 1, 101)
    simulated = np.abs(shrunk[:, None, None] * (confidence - right) + noise) @ (mass / mass.sum())
    possible = shrunk[(simulated >= error).mean(axis=1) >= TAIL]
    return error * float(possible.min(initial=1.0))


def _curve(
    confidence: NDArray[np.float64], right: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by bin the mean confidence, the share right, what part of the rows it stands for, and its effective rows."""
    order, n = np.argsort(confidence, kind="stable"), confidence.size
    bins = np.arange(min(BINS, n // 10))
    begins = bins * (n // bins.size) + np.minimum(bins, n % bins.size)  # the first bins have one row more
    by_row = np.stack([weights, weights * confidence, weights * right, weights**2])[:, order]
    mass, confident, right_mass, squares = np.add.reduceat(by_row, begins, axis=1)
    return np.column_stack([confident / mass, right_mass / mass, mass * n / mass.sum(), mass**2 / squares])


def _error(curve: NDArray[np.float64]) -> float:
    return float(np.abs(curve[:, 0] - curve[:, 1]) @ curve[:, 2] / curve[:, 2].sum())
