"""Tail probabilities of Student's t and of F; importing ``scipy.special`` for them would take a fifth of a second."""

import math

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 300
TINIEST = 1e-300
Numbers = NDArray[np.float64]


def two_sided_t(t: Numbers, degrees: float | Numbers) -> Numbers:
    """Return the probability that a t variable of these degrees of freedom is further from 0 than t, (k,); exactly 1 at 0.

    Examples
    --------
    >>> two_sided_t(np.array([0.0, 12.706]), 1).round(4).tolist()
    [1.0, 0.05]
    """
    with np.errstate(over="ignore"):
        return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t**2))


def chance_in_words(p_value: float) -> str:
    """Return what a sentence says of a p-value; none is exactly 0, also where a double cannot hold it.

    Examples
    --------
    >>> chance_in_words(0.0463), chance_in_words(3e-12), chance_in_words(0.0)
    ('p = 0.046', 'p = 3e-12', 'p < 1e-300')
    """
    return f"p = {p_value:.2g}" if p_value > TINIEST else f"p < {TINIEST:g}"


def upper_f(ratio: Numbers, numerator: int, denominator: int) -> Numbers:
    """Return the probability that an F variable is above a ratio of variances.

    Parameters
    ----------
    ratio
        float64, (k,), not negative.
    numerator, denominator
        Degrees of freedom, positive.
    """
    return incomplete_beta(denominator / 2, numerator / 2, denominator / (denominator + numerator * ratio))


def incomplete_beta(a: float | Numbers, b: float, x: Numbers) -> Numbers:
    """Return the regularized incomplete beta function.

    Parameters
    ----------
    a, b
        Positive; ``a`` one number, or one for each x.
    x
        float64, (k,), each 0 to 1.

    Notes
    -----
    The continued fraction of DLMF 8.17.22, by Lentz's method (Press et al., Numerical Recipes, 6.4), on the side of the mean
    where it converges fast: relative error below 1e-10.
    """
    swapped = x > (a + 1) / (a + b + 2)
    first, second = np.where(swapped, b, a), np.where(swapped, a, b)
    near = np.where(swapped, 1 - x, x)
    with np.errstate(divide="ignore"):
        logarithm = a * np.log(x) + b * np.log1p(-x)
    front = np.exp(logarithm + _log_gamma(a + b) - _log_gamma(a) - math.lgamma(b)) / first
    share = front * _continued_fraction(first, second, near)
    return np.asarray(np.clip(np.where(swapped, 1 - share, share), 0, 1))


_log_gamma = np.vectorize(math.lgamma, otypes=[np.float64])


def _continued_fraction(a: Numbers, b: Numbers, x: Numbers) -> Numbers:
    c = np.ones_like(x)
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d.copy()
    for m in range(1, ITERATIONS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction = fraction * c * d
        if np.abs(c * d - 1).max(initial=0.0) < 1e-14:
            break
    return fraction


def _away_from_zero(value: Numbers) -> Numbers:
    """Return the values, those near 0 replaced by the tiniest: Lentz's method divides by them."""
    return np.where(np.abs(value) < TINIEST, TINIEST, value)
