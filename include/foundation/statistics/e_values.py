"""Evidence by betting: what a fair game against the null hypothesis would have won."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.errors import ContractError

BETS = np.geomspace(0.1, 0.95, 8)  # small leads are the ones that cost many labels: bets are denser there
CLIP = 700.0  # exp of more overflows
ROUNDING = 1e-9


@dataclass(frozen=True)
class Stake:
    """Differences with their counts, and the largest mean that the null hypothesis allows them.

    Attributes
    ----------
    differences
        (n,), each -1 to 1; multiplied by its row's weight where rows stand for unequally many.
    counts
        How often each difference occurs, (n,), 0 or more.
    threshold
        The largest mean difference under the null hypothesis, -1 to 1.
    weights
        Of the rows, (n,), each 0 to 1; all 1 by default. The threshold is multiplied by them as well: otherwise rows of little
        weight would seem to exceed a negative one. What has the weight 1 must be settled before the first look: a scale that
        moves with the rows lets further wins lower the evidence, and the bets are no supermartingale.
    largest
        What has the weight 1 over what a row has, where most rows weigh little, 1 or more: bets are then up to so many times as
        large, but for those that the heaviest row drawn so far might cost all wealth. Settled before the first look as well.

    Raises
    ------
    ContractError
        If a value is outside these bounds, or NaN.
    """

    differences: Sequence[float]
    counts: Sequence[float]
    threshold: float = 0.0
    weights: Sequence[float] | None = None
    largest: float = 1.0

    def __post_init__(self) -> None:
        weights = [1.0] * len(self.differences) if self.weights is None else self.weights
        if not len(self.differences) == len(self.counts) == len(weights):
            got = f"{len(self.differences)} differences, {len(self.counts)} counts and {len(weights)} weights"
            raise ContractError(f"Got {got} to bet on, expected as many of each")
        sizes = np.abs(np.asarray(self.differences, dtype=np.float64))
        problems = [
            *_outside("threshold", [self.threshold], -1, 1),
            *_outside("counts", self.counts, 0, np.inf),
            *_outside("weights", weights, 0, 1),
            *_outside("differences over their weights", sizes - np.asarray(weights, dtype=np.float64) + 1, 0, 1),
        ]
        if problems:
            raise ContractError("Nothing can be bet on these rows", problems)


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
    A bet that is too large for a row counts as lost once that row is drawn, before its label is known, which is fair as well.
    Fixed bets make it independent of the order of rows. A bet is divided by ``1 + threshold`` of its own stake, so that no row
    can cost more than the wealth; another stake, empty or not, does not change it.

    Examples
    --------
    >>> mixture_e_value([])
    1.0
    >>> mixture_e_value([Stake([1.0, -1.0], [30, 4])]) > 1000
    True
    """
    return float(np.exp(np.minimum(log_e_value(stakes), CLIP)))


def log_e_value(stakes: Iterable[Stake]) -> float:
    """Return the natural logarithm of `mixture_e_value`, which does not overflow."""
    together = list(stakes)
    bets = bets_up_to(max((stake.largest for stake in together), default=1.0))
    wealth = np.zeros(bets.size)
    for stake in together:
        wealth += _log_wealth(stake, bets)
    top = wealth.max()
    return float(top + np.log(np.exp(wealth - top).mean()))


def growth(stake: Stake) -> float:
    """Return by how much a row of the stake adds to the best bet's logarithm, in the mean; at most 0 if no bet grows."""
    return float(_log_wealth(stake, bets_up_to(stake.largest)).max() / np.sum(stake.counts))


def bets_up_to(largest: float) -> NDArray[np.float64]:
    """Return `BETS`, and as dense ones that are up to so many times as large."""
    more = int(np.ceil(np.log(largest) / np.log(BETS[1] / BETS[0])))
    return np.concatenate([BETS, np.geomspace(BETS[-1], BETS[-1] * largest, more + 1)[1:]])


def _log_wealth(stake: Stake, bets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of each bet's wealth; bets are scaled so that no row can cost more than the wealth."""
    counts = np.asarray(stake.counts, dtype=np.float64)
    weights = np.ones(counts.size) if stake.weights is None else np.asarray(stake.weights, dtype=np.float64)
    gains = np.asarray(stake.differences, dtype=np.float64) - stake.threshold * weights
    heaviest = weights[counts > 0].max(initial=0.0) if stake.largest > 1 else 1.0
    fits = bets * heaviest <= BETS[-1] + ROUNDING
    placed = np.where(fits, bets, 0.0 if stake.largest > 1 else BETS[-1]) / max(1 + stake.threshold, 1.0)
    wealth = np.log1p(np.outer(placed, gains)) @ counts
    return np.where(fits | (stake.largest <= 1), wealth, -np.inf)


def _outside(name: str, values: ArrayLike, low: float, high: float) -> list[str]:
    """Return the values that are not within the bounds, in words; NaN and infinity are within none."""
    numbers = np.asarray(values, dtype=np.float64)
    within = (numbers >= low - ROUNDING) & (numbers <= high + ROUNDING) & np.isfinite(numbers)
    return [f"{name}: got {value:g}, expected {low:g} to {high:g}" for value in numbers[~within].tolist()]
