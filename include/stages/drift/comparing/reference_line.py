"""What reference days say of other days: a line, by weekday where weekdays differ, about which days may depend on each other.

Everything here depends on which days there are, not on what was measured on them, so it is worked out once for all columns.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

AUTOCORRELATIONS = np.arange(10) / 10  # that are told apart
FEWEST_FOR_LINE = 14  # days: fewer tell neither a slope nor how much days depend on each other
FOLLOWED = 14  # days beyond the reference that a slope is followed
Numbers = NDArray[np.float64]
Days = tuple[int, ...]  # ordinals


@dataclass(frozen=True)
class Spread:
    """How far a mean of some days lies from the line, on average: its variance, in units of that of a day.

    Attributes
    ----------
    constant, linear, quadratic
        By autocorrelation, (10,): coefficients in the share of the slope that is believed.
    own
        By autocorrelation, (10,): the part that the days themselves have, whatever the reference.
    """

    constant: Numbers
    linear: Numbers
    quadratic: Numbers
    own: Numbers

    def at(self, place: NDArray[np.intp], belief: Numbers) -> Numbers:
        """Return the variance of each statistic, (k,), given its autocorrelation's place and its belief in the slope."""
        return self.constant[place] + self.linear[place] * belief + self.quadratic[place] * belief**2


@dataclass(frozen=True)
class ReferenceLine:
    """A line through reference days, and what it leaves.

    Attributes
    ----------
    remainder
        (n, n): what takes the line, or the weekdays' means and the line, out of the days' values.
    slope
        (n,): weights of the days that give the slope; zeros if there are too few days for one.
    level
        (targets, n): weights that give the level, or that of the weekday.
    distance
        (targets,): days from the middle of the reference.
    trace, degrees
        By autocorrelation, (10,): expected sum of squares that is left, in units of a day's variance; degrees of freedom of it.
    remainders
        By autocorrelation, (10, n): variance of what is left of each day.
    slope_variance
        By autocorrelation, (10,).
    adjacent
        (n, n): weights of the pairs of days of which one follows the other; their sum is 1, or 0 if there is no pair.
    ratio
        By autocorrelation, (10,): expected product of such days, over the expected square, of what is left.
    """

    remainder: Numbers
    slope: Numbers
    level: Numbers
    distance: Numbers
    trace: Numbers
    degrees: Numbers
    remainders: Numbers
    slope_variance: Numbers
    adjacent: Numbers
    ratio: Numbers
    _days: Numbers
    _targets: Numbers
    _spreads: dict[bytes, Spread] = field(default_factory=dict)

    def autocorrelation(self, left: Numbers) -> Numbers:
        """Return how much what is left of a day, (n, k), says of that of the next one, (k,): at most 0.9, possibly below 0.

        What a line leaves is less correlated than the days are. That is corrected: by the ratio which each autocorrelation lets
        expect.
        """
        if len(self._days) < FEWEST_FOR_LINE or not self.adjacent.any():
            return np.zeros(left.shape[1])
        square = (left**2).mean(axis=0)
        product = np.einsum("ij,ik,jk->k", self.adjacent, left, left) / np.where(square > 0, square, 1.0)
        expected = np.maximum.accumulate(self.ratio)
        below = (product - expected[0]) * self.error * np.sqrt(len(self._days))
        return np.asarray(np.where(product < expected[0], below, np.interp(product, expected, AUTOCORRELATIONS)))

    @property
    def error(self) -> float:
        """Standard error of an autocorrelation near 0."""
        return float(AUTOCORRELATIONS[1] / max(self.ratio[1] - self.ratio[0], 1e-3) / np.sqrt(len(self._days)))

    def spread(self, weights: Numbers) -> Spread:
        """Return how far the mean of the targets with these weights, (targets,), lies from the line."""
        key = weights.tobytes()
        if key not in self._spreads:
            self._spreads[key] = self._spread(weights)
        return self._spreads[key]

    def _spread(self, weights: Numbers) -> Spread:
        level, distance = weights @ self.level, float(weights @ self.distance)
        slope = distance * self.slope
        columns = []
        for place, autocorrelation in enumerate(AUTOCORRELATIONS):
            among = _correlation(self._days, self._days, autocorrelation)
            across = weights @ _correlation(self._targets, self._days, autocorrelation)
            own = float(weights @ _correlation(self._targets, self._targets, autocorrelation) @ weights)
            doubt = distance**2 * self.slope_variance[place]
            constant = own - 2 * level @ across + level @ among @ level
            linear = -2 * slope @ across + 2 * slope @ among @ level + doubt
            columns.append((constant, linear, slope @ among @ slope - doubt, own))
        return Spread(*np.array(columns).T)


@lru_cache(maxsize=256)
def reference_line(days: Days, targets: Days, *, by_weekday: bool, has_slope: bool = True) -> ReferenceLine | None:
    """Return the line through reference days, and how it reaches some targets.

    Parameters
    ----------
    days, targets
        Ordinals of the days, each once.
    by_weekday
        Whether each weekday has a level of its own. The result is None if the reference then has a target's weekday less than
        twice, or leaves no degrees of freedom.
    has_slope
        Whether the line may rise. It is followed two weeks beyond the reference, and level from there on.
    """
    x, reached = np.array(days, dtype=np.float64), np.array(targets, dtype=np.float64)
    groups = x % 7 if by_weekday else np.zeros_like(x)
    names = np.unique(groups)
    member = (groups[:, None] == names).astype(np.float64)
    of_target = ((reached % 7 if by_weekday else np.zeros_like(reached))[:, None] == names).astype(np.float64)
    if by_weekday and (len(names) < 2 or (of_target @ member.sum(axis=0) < 2).any()):
        return None
    means = member / member.sum(axis=0)
    level, remainder = of_target @ means.T, np.eye(len(x)) - member @ means.T
    centred = remainder @ x
    has_slope = has_slope and len(x) >= FEWEST_FOR_LINE
    slope = centred / (centred @ centred) if has_slope else np.zeros_like(x)
    remainder = remainder - np.outer(centred, slope)
    if np.trace(remainder) < 2 - 1e-9:
        return None
    among = [_correlation(x, x, each) for each in AUTOCORRELATIONS]
    left = np.array([remainder @ each @ remainder for each in among])
    trace = np.trace(left, axis1=1, axis2=2)
    adjacent = np.triu(np.abs(x[:, None] - x) == 1).astype(np.float64)
    pairs = max(adjacent.sum(), 1.0)
    distance = np.minimum(reached, x.max() + FOLLOWED) - level @ x
    return ReferenceLine(
        remainder, slope, level, distance, trace, trace**2 / np.einsum("gij,gji->g", left, left),
        np.diagonal(left, axis1=1, axis2=2), np.array([slope @ each @ slope for each in among]), adjacent / pairs,
        np.einsum("ij,gij->g", adjacent, left) / pairs / trace * len(x), x, reached,
    )  # fmt: skip


def runs_of(days: NDArray[np.int64], length: int) -> NDArray[np.intp]:
    """Return the places of each run of so many days in a row, (runs, length)."""
    order = np.argsort(days)
    places = np.lib.stride_tricks.sliding_window_view(order, length) if len(days) >= length else np.empty((0, length))
    runs = np.asarray(places, dtype=np.intp)
    return runs[days[runs[:, -1]] - days[runs[:, 0]] == length - 1] if len(runs) else runs


def _correlation(first: Numbers, second: Numbers, autocorrelation: float) -> Numbers:
    """Return how days correlate with others, which falls with the days between them: a first-order autoregression."""
    return np.asarray(np.float64(autocorrelation) ** np.abs(first[:, None] - second))
