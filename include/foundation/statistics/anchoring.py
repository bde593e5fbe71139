"""Anchoring: how much more often people give an answer that they are shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.estimates import UNKNOWN, Estimate

FEWEST_SHOWN_AND_HIDDEN = 10  # requests of either kind, below which nothing is said

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Followed:
    """Shares of answers that are the pre-label, where it was shown and where it was hidden, and how far they are apart."""

    shown: Estimate
    hidden: Estimate
    difference: Estimate


def followed(
    gave: NDArray[np.bool_], is_shown: NDArray[np.bool_], shown_probability: Floats, request: NDArray[np.int64]
) -> Followed:
    """Return how much more often answers are the pre-label where it was shown than where it was hidden.

    Parameters
    ----------
    gave
        Whether each answer is the pre-label, (answers,).
    is_shown
        Whether it was shown.
    shown_probability
        With which probability it was to be shown, above 0 and below 1.
    request
        Which request is answered, from 0: answers to one are not independent.

    Returns
    -------
    Followed
        Unknown with fewer than `FEWEST_SHOWN_AND_HIDDEN` requests of either kind.

    Notes
    -----
    Chance decided what was shown, so the difference is what showing does. Shares are weighted by the inverse of the
    probability, which may have changed meanwhile (Hajek). Their variance is that of the sums over requests (linearisation);
    Wilson's interval on the rows that would say as much, with a quantile of Student's t for the number of requests, is taken of
    each, and that of the difference from both (Newcombe 1998, method 10): near 0 and 1, too, it covers what it says.
    """
    shown, hidden = (
        _share(gave[arm].astype(np.float64), 1 / chance[arm], request[arm])
        for arm, chance in ((is_shown, shown_probability), (~is_shown, 1 - shown_probability))
    )
    if shown.value is None or hidden.value is None:
        return Followed(UNKNOWN, UNKNOWN, UNKNOWN)
    return Followed(shown, hidden, difference_of(shown, hidden))


def difference_of(shown: Estimate, hidden: Estimate) -> Estimate:
    """Return by how much the first of two known shares is above the second, with an interval made of both."""
    (value, low, high), (other, other_low, other_high) = (
        (float(each.value or 0.0), float(each.low or 0.0), float(each.high or 0.0)) for each in (shown, hidden)
    )
    down, up = np.hypot(value - low, other_high - other), np.hypot(high - value, other - other_low)
    effective = min(shown.effective_rows, hidden.effective_rows)
    return Estimate(
        value - other, float(value - other - down), float(value - other + up), shown.rows + hidden.rows, effective
    )


def _share(gave: Floats, weights: Floats, request: NDArray[np.int64]) -> Estimate:
    """Return the weighted share of answers of one kind, with Wilson's interval by request."""
    from scipy.special import stdtrit

    _, member = np.unique(request, return_inverse=True)
    requests = int(member.max(initial=-1)) + 1
    if requests < FEWEST_SHOWN_AND_HIDDEN:
        return UNKNOWN
    parts = weights / weights.sum()
    share = min(1.0, float(parts @ gave))
    mass, residuals = np.bincount(member, parts), np.bincount(member, parts * (gave - share))
    variance, fewest = requests / (requests - 1) * float(residuals @ residuals), 1 / float(mass @ mass)
    rows = fewest if variance <= 0 else float(np.clip(share * (1 - share) / variance, fewest, gave.size))
    squared = float(stdtrit(requests - 1, 0.975)) ** 2
    middle = (share + squared / (2 * rows)) / (1 + squared / rows)
    half = np.sqrt(squared * (share * (1 - share) / rows + squared / (4 * rows**2))) / (1 + squared / rows)
    return Estimate(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)), int(gave.size), rows)
