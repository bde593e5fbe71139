"""Estimates from rows with known inclusion probabilities, each with its interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_serializer

from include.foundation.errors import ContractError
from include.foundation.statistics.clusters import clustered_rows, group_numbers
from include.foundation.statistics.prediction_powered import LoggedConfidence, Power, power

Groups = Sequence[str | None] | None


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; all three are None if there are no rows.

    ``effective_rows`` is how many equally weighted rows would be as informative (Kish 1965). ``gain`` is how many times as many
    that is with the model's confidence in all logged rows as without it; 1 where confidence tells nothing, or was not asked.
    """

    value: float | None
    low: float | None
    high: float | None
    rows: int
    effective_rows: float
    gain: float = 1.0

    @model_serializer(mode="wrap")
    def _stored(self, stored: Callable[["Estimate"], dict[str, Any]]) -> dict[str, Any]:
        """Return it as evidence of decisions has it: one without a gain is what earlier versions recorded, to the digest."""
        values = stored(self)
        return {name: value for name, value in values.items() if name != "gain" or value != 1.0}

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Estimate":
        """Return what `to_json` wrote."""
        return cls(**record)

    def __str__(self) -> str:
        if self.value is None:
            return "unknown (no rows)"
        worth = f", worth {self.gain * self.rows:.0f} by confidence" if self.gain > 1 else ""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, {self.rows} rows{worth})"


UNKNOWN = Estimate(None, None, None, 0, 0.0)


def design_weights(inclusion_probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return how many rows each drawn row stands for: 1 / its inclusion probability.

    Parameters
    ----------
    inclusion_probabilities
        float64, (n,), above 0, at most 1; may be empty.

    Raises
    ------
    ContractError
        If a probability is outside these bounds, or NaN.

    Examples
    --------
    >>> design_weights([0.5, 0.1, 1.0]).tolist()
    [2.0, 10.0, 1.0]
    """
    probabilities = np.asarray(inclusion_probabilities, dtype=np.float64)
    if not ((probabilities > 0) & (probabilities <= 1)).all():
        raise ContractError(
            "Got an inclusion probability outside 0 to 1, expected one above 0 for every row that was drawn"
        )
    return np.asarray(1 / probabilities)


def weighted_mean(
    values: ArrayLike,
    inclusion_probabilities: ArrayLike,
    level: float = 0.95,
    groups: Groups = None,
    beside: LoggedConfidence | None = None,
) -> Estimate:
    """Return the weighted mean of scores in 0 to 1, which is unbiased for the rows that were drawn from.

    Parameters
    ----------
    values
        float64, (n,), each 0 to 1; may be empty.
    inclusion_probabilities
        float64, (n,), above 0, at most 1.
    level
        Of the interval, 0 to 1.
    groups
        The group of each row, whose rows are not independent: the interval is then by group. A row without one is its own.
    beside
        How confident the model was in these rows and in all that were logged beside them: the estimate is then
        prediction-powered, see `include.foundation.statistics.prediction_powered.power`.

    Notes
    -----
    Hájek's estimator, weights 1 / probability. The exact interval of Clopper & Pearson on the effective number of rows (Korn &
    Graubard 1998): it covers the truth at least as often as it says also near 0 and 1 and with few rows, where Wilson's misses
    it in one of ten cases. For scores that are not 0 or 1 it is too wide, since their variance is smaller.

    Raises
    ------
    ContractError
        If a score is NaN or outside 0 to 1, or an inclusion probability impossible.

    Examples
    --------
    >>> print(weighted_mean([1, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]))
    0.750 (0.194 to 0.994, 4 rows)
    """
    scores, weights = scores_and_weights(values, inclusion_probabilities, least=0.0)
    if scores.size == 0:
        return UNKNOWN
    mean, n = float(weights @ scores / weights.sum()), _effective(scores, weights, groups, level, 0.0)
    if beside is None:
        return share_with_interval(min(mean, 1.0), n, int(scores.size), level)
    adds = power(scores - mean, scores, weights, beside, group_numbers(scores.size, groups))
    return powered(mean, n, int(scores.size), level, adds)


def powered(mean: float, effective: float, rows: int, level: float, adds: Power) -> Estimate:
    """Return a weighted mean as an estimate with what confidence adds to it.

    Parameters
    ----------
    mean
        Before, 0 to 1.
    effective, rows
        The effective number of rows that it rests on, and their number.
    level
        Of the interval, 0 to 1.
    adds
        What confidence adds.
    """
    share = min(1.0, max(0.0, mean - adds.luck))
    return replace(share_with_interval(share, effective * adds.gain, rows, level), gain=adds.gain)


def share_with_interval(share: float, effective: float, rows: int, level: float = 0.95) -> Estimate:
    """Return a share as an estimate with the interval of Clopper & Pearson.

    Parameters
    ----------
    share
        0 to 1.
    effective
        The effective number of rows that it rests on, above 0.
    rows
        How many rows these are.
    level
        Of the interval, 0 to 1.
    """
    from scipy.special import betaincinv  # who only reads a decision with an `Estimate` need not wait for scipy

    tail, right, wrong = (1 - level) / 2, share * effective, (1 - share) * effective
    low = float(betaincinv(right, wrong + 1, tail)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 1 - tail)) if wrong > 0 else 1.0
    return Estimate(share, min(low, share), max(high, share), rows, effective)


def weighted_difference(
    differences: ArrayLike, inclusion_probabilities: ArrayLike, level: float = 0.95, groups: Groups = None
) -> Estimate:
    """Return the weighted mean of paired differences in -1 to 1.

    Parameters
    ----------
    differences
        float64, (n,), each -1 to 1; may be empty.
    inclusion_probabilities
        float64, (n,), above 0, at most 1.
    level
        Of the interval, 0 to 1.
    groups
        As in `weighted_mean`.

    Notes
    -----
    Adjusted Wald interval of Agresti & Min (2005): half a win, half a loss and a tie are added, because otherwise a few rows
    without any difference would give an interval of no width.

    Examples
    --------
    >>> print(weighted_difference([1, 0, 0, -1], [1, 1, 1, 1]))
    0.000 (-0.566 to 0.566, 4 rows)
    """
    paired, weights = scores_and_weights(differences, inclusion_probabilities, least=-1.0)
    if paired.size == 0:
        return UNKNOWN
    share, n = weights / weights.sum(), _effective(paired, weights, groups, level, -1.0)
    mean = float(share @ paired)
    first, second = n * mean / (n + 2), (n * float(share @ paired**2) + 1) / (n + 2)
    half = _normal_quantile((1 + level) / 2) * np.sqrt((second - first**2) / (n + 2))
    return Estimate(mean, max(-1.0, first - float(half)), min(1.0, first + float(half)), int(paired.size), n)


def effective_rows(weights: NDArray[np.float64]) -> float:
    """Return Kish's effective number of rows: the sum of weights squared over the sum of squares."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _effective(
    values: NDArray[np.float64], weights: NDArray[np.float64], groups: Groups, level: float, least: float
) -> float:
    n = effective_rows(weights)
    return n if groups is None or not any(groups) else clustered_rows(values, weights, groups, n, level, least)


def scores_and_weights(
    values: ArrayLike, probabilities: ArrayLike, *, least: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores and design weights as arrays of one length.

    Parameters
    ----------
    values, probabilities
        The scores, and the inclusion probabilities of their rows, (n,) each.
    least
        The smallest score that there may be; the largest is 1.

    Raises
    ------
    ContractError
        If a score is NaN or outside its bounds, a probability is impossible, or there are not as many of both.
    """
    scores, weights = np.asarray(values, dtype=np.float64), design_weights(probabilities)
    if scores.shape != weights.shape:
        raise ContractError(f"Got {scores.size} values and {weights.size} probabilities, expected as many of both")
    if not ((scores >= least) & (scores <= 1)).all():
        raise ContractError(
            f"Got a value that is NaN or outside {least:g} to 1, expected a score of every row within these bounds"
        )
    return scores, weights


def _normal_quantile(probability: float) -> float:
    from scipy.special import ndtri  # who only reads a decision with an `Estimate` need not wait for scipy

    return float(ndtri(probability))
