"""How much of the loop's error budget each challenger may use."""

import math


def level(budget: float, nth: int) -> float:
    """Return the error level of the nth challenger; the levels of all challengers ever add up to the budget.

    Parameters
    ----------
    budget
        Probability of ever promoting a challenger that should not be, 0 to 1.
    nth
        1 for the first challenger that met a champion.

    Notes
    -----
    ``budget * 6 / (pi n)**2``: the sum over all n of ``1 / n**2`` is ``pi**2 / 6``.

    Examples
    --------
    >>> round(level(0.05, 1), 4), round(level(0.05, 2), 4)
    (0.0304, 0.0076)
    """
    return budget * 6 / (math.pi * nth) ** 2
