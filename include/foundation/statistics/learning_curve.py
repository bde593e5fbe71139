"""What further labels are expected to bring, by what earlier ones brought: a learning curve, and how far it can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.estimates import Estimate

Floats = NDArray[np.float64]
SLOPES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
FLOORS = (0.0, 0.3, 0.6, 0.8, 0.9, 1.0)  # of today's error, what no label takes away; all of it: labels help no more
SPREADS = (
    0.01,
    0.018,
    0.028,
    0.04,
    0.065,
)  # by which trainings on as many other labels differ, in deviations of a row's score
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of today's error
LEVEL = 0.9


@dataclass(frozen=True)
class Lift:
    """What a model that was trained on more labels scored above another one, on the same rows.

    Attributes
    ----------
    before, after
        Labels that the two were trained on, above 0.
    value, deviation
        The difference of scores, and its standard error.
    """

    before: float
    after: float
    value: float
    deviation: float


@dataclass(frozen=True)
class Expected:
    """What so many further labels are expected to bring, with the 90 % interval of what one training on them will."""

    labels: int
    value: float
    low: float
    high: float


def expected_lifts(lifts: Sequence[Lift], labels: int, score: Estimate, options: Sequence[int]) -> list[Expected]:
    """Return what each number of further labels is expected to bring.

    Parameters
    ----------
    lifts
        What was measured so far; without any, the spread of learning curves as such is what is expected.
    labels
        That the model which scores was trained on, above 0.
    score
        Of that model, not unknown.
    options
        Numbers of further labels, above 0.

    Notes
    -----
    The error falls as f + (e - f) (n / labels)^-b (Hestness et al. 2017) to a floor f. Every slope b, floor and spread of a
    grid is as likely as another before, and each quantile of today's error e by the score; afterwards as likely as they
    make the lifts that were measured (normal errors, and the spread of trainings). What is expected is the mean over all of
    them, and the interval holds 90 % of them, spread included.

    Examples
    --------
    >>> score = Estimate(0.85, 0.83, 0.87, 1200, 1200.0)
    >>> slow, fast = [Lift(100, 200, gain, 0.005) for gain in (0.0, 0.04)]
    >>> [round(each.value, 3) for lift in (slow, fast) for each in expected_lifts([lift], 200, score, [200])]
    [0.003, 0.021]
    """
    grid = product(SLOPES, FLOORS, SPREADS, _errors(score).tolist())
    slope, floor, spread, error = (np.array(column) for column in zip(*grid, strict=True))

    def at(n: float) -> Floats:
        return np.asarray(error * (floor + (1 - floor) * (n / labels) ** -slope))

    apart = spread * np.sqrt(error * (1 - error))
    logs = np.zeros(slope.size)
    for lift in lifts:
        variance = lift.deviation**2 + apart**2
        logs -= 0.5 * ((lift.value - at(lift.before) + at(lift.after)) ** 2 / variance + np.log(variance))
    likely = np.exp(logs - logs.max())
    likely = likely / likely.sum()
    return [_expected(n, at(labels) - at(labels + n), apart, likely) for n in options]


def _errors(score: Estimate) -> Floats:
    """Return quantiles of the error of a model, by Jeffreys' prior."""
    from scipy.special import betaincinv

    share, rows = score.value or 0.0, score.effective_rows
    return np.asarray(betaincinv((1 - share) * rows + 0.5, share * rows + 0.5, QUANTILES))


def _expected(labels: int, means: Floats, deviations: Floats, likely: Floats) -> Expected:
    """Return mean and interval of a mixture of normal distributions."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    reach = 5 * float(deviations.max())
    ends = float(means.min()) - reach, float(means.max()) + reach

    def quantile(share: float) -> float:
        return float(brentq(lambda place: float(ndtr((place - means) / deviations) @ likely) - share, *ends))

    return Expected(labels, float(means @ likely), quantile((1 - LEVEL) / 2), quantile((1 + LEVEL) / 2))
