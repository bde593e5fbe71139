"""Levels: how much of a loop's error budget each challenger may use."""

import math


def level(budget: float, nth: int) -> float:
    """Return the level of the nth challenger. The levels of all challengers that may ever come add up to the budget.

    Parameters
    ----------
    budget
        Probability, over the loop's life, of ever promoting a challenger that does not satisfy the rule; above 0, below 1.
    nth
        1 for the first challenger that was compared with a champion.

    Notes
    -----
    ``budget * 6 / (pi n)**2``, since the sum of ``1 / n**2`` over all n is ``pi**2 / 6`` (Euler).

    Examples
    --------
    >>> round(level(0.05, 1), 4), round(level(0.05, 2), 4)
    (0.0304, 0.0076)
    """
    return budget * 6 / (math.pi * nth) ** 2
