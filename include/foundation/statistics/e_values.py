"""Evidence by betting: what a fair game against the null hypothesis would have won."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.statistics.estimates import design_weights

BETS = np.linspace(0.05, 0.95, 19)
CLIP = 700.0  # exp of more overflows


@dataclass(frozen=True)
class Stake:
    """Differences with their counts, and the largest mean that the null hypothesis allows them.

    Attributes
    ----------
    differences
        (n,), each -1 to 1; multiplied by its row's weight where rows stand for unequally many.
    counts
        How often each difference occurs, (n,).
    threshold
        The largest mean difference under the null hypothesis, -1 to 1.
    weights
        Of the rows, (n,), each 0 to 1; all 1 by default. The threshold is multiplied by them as well: otherwise rows of little
        weight would seem to exceed a negative one.
    """

    differences: Sequence[float]
    counts: Sequence[float]
    threshold: float = 0.0
    weights: Sequence[float] | None = None


def mixture_e_value(stakes: Iterable[Stake]) -> float:
    """Return the e-value of the hypothesis that every stake's mean difference is at most its threshold.

    Under that hypothesis it exceeds ``1 / a`` with probability at most ``a``, however often and whenever it is looked at.

    Parameters
    ----------
    stakes
        Independent groups of rows, bet on together.

    Returns
    -------
    float
        0 or more; 1.0 without rows. Large values speak against the hypothesis.

    Notes
    -----
    Each fixed bet ``b`` makes the wealth ``prod(1 + b (d - threshold))``, a non-negative supermartingale under the
    hypothesis; so is the average over a grid of bets, and Ville's inequality bounds its maximum (Waudby-Smith & Ramdas, 2024).
    Fixed bets make it independent of the order of rows.

    Examples
    --------
    >>> mixture_e_value([])
    1.0
    >>> mixture_e_value([Stake([1.0, -1.0], [30, 4])]) > 1000
    True
    """
    return float(np.exp(np.minimum(log_e_value(stakes), CLIP)))


def shortfall_e_value(scores: ArrayLike, inclusion_probabilities: ArrayLike, floor: float) -> float:
    """Return the e-value of the hypothesis that the mean score is at least the floor.

    Parameters
    ----------
    scores
        float64, (n,), each 0 to 1; may be empty.
    inclusion_probabilities
        float64, (n,), above 0, at most 1: rows that stand for more weigh more.
    floor
        0 to 1.

    Returns
    -------
    float
        As `mixture_e_value`: large values say that the mean is below the floor.

    Examples
    --------
    >>> shortfall_e_value([], [], 0.8)
    1.0
    >>> shortfall_e_value([0.0] * 20, [0.5] * 20, 0.8) > 1000 > shortfall_e_value([1.0] * 20, [0.5] * 20, 0.8)
    True
    """
    weights = design_weights(inclusion_probabilities)
    shares = weights / weights.max(initial=1.0)
    shortfalls = (floor - np.asarray(scores, dtype=np.float64)) * shares
    return mixture_e_value([Stake(shortfalls.tolist(), [1.0] * shortfalls.size)])


def log_e_value(stakes: Iterable[Stake]) -> float:
    """Return the natural logarithm of `mixture_e_value`, which does not overflow."""
    wealth = _log_wealth(list(stakes))
    top = wealth.max()
    return float(top + np.log(np.exp(wealth - top).mean()))


def labels_to_decide(wins: float, losses: float, log_needed: float, threshold: float = 0.0) -> int | None:
    """Return how many more rows of disagreement are needed if wins stay as frequent; None if no bet would grow.

    Parameters
    ----------
    wins, losses
        Rows for and against the challenger so far; one of each is added, so that no rate is taken for certain.
    log_needed
        Logarithm of the factor by which the wealth must still grow, above 0.
    threshold
        Mean difference that the null hypothesis allows on such rows, -1 to 1.

    Examples
    --------
    >>> labels_to_decide(30, 4, 3.0), labels_to_decide(4, 30, 3.0)
    (11, None)
    """
    share = (wins + 1) / (wins + losses + 2)
    bets = BETS / max(1 + threshold, 1.0)
    growth = (share * np.log1p(bets * (1 - threshold)) + (1 - share) * np.log1p(-bets * (1 + threshold))).max()
    return int(np.ceil(log_needed / growth)) if growth > 0 else None


def _log_wealth(stakes: list[Stake]) -> NDArray[np.float64]:
    """Return the logarithm of each bet's wealth; bets are scaled so that no row can cost more than the wealth."""
    worst = max((1 + stake.threshold for stake in stakes), default=1.0)
    bets = BETS / max(worst, 1.0)
    wealth = np.zeros(bets.size)
    for stake in stakes:
        weights = 1.0 if stake.weights is None else np.asarray(stake.weights, dtype=np.float64)
        gains = np.asarray(stake.differences, dtype=np.float64) - stake.threshold * weights
        wealth += np.log1p(np.outer(bets, gains)) @ np.asarray(stake.counts, dtype=np.float64)
    return wealth
