"""Levels: how much of a loop's error budget each challenger may use."""

from typing import Literal, NamedTuple

from include.foundation.errors import ConfigError

Guarantee = Literal["share", "never"]
EXPONENTS = {"share": 1.2, "never": 2.0}  # the nth challenger's part of the budget falls as n to the minus this


class Level(NamedTuple):
    """The level of one challenger, and what it takes from the budget."""

    level: float
    spent: float


def next_level(guarantee: Guarantee, budget: float, spent: float, nth: int, promotions: int) -> Level:
    """Return the level of the nth challenger. What all that may ever come take from the budget adds up to the budget.

    Parameters
    ----------
    guarantee
        What the budget bounds: ``share``, the expected share of wrong ones among the loop's promotions; ``never``, the
        probability, over the loop's life, of ever promoting a challenger that does not satisfy the rule.
    budget
        Above 0, below 1.
    spent
        What earlier challengers took from it, under whichever guarantee.
    nth
        1 for the first challenger that was compared with a champion.
    promotions
        How many of the earlier ones were promoted.

    Raises
    ------
    ConfigError
        If nothing is left, because the budget was larger once.

    Notes
    -----
    ``share`` is e-LOND (Xu & Ramdas, *Online multiple testing with e-values*, AISTATS 2024): the level is what is taken from
    the budget, times one more than the promotions so far. It holds however the challengers depend on each other, since the
    share of wrong promotions is at most the sum, over the challengers that do not satisfy the rule, of their e-value times what
    they take. Where no challenger ever satisfies it, every promotion is wrong, and the bound is that of ``never``.

    The nth takes a share ``n ** -s / sum(k ** -s for k >= n)`` of what is left. While neither budget nor guarantee changes,
    that is ``budget * n ** -s / zeta(s)``; for ``never``, ``budget * 6 / (pi n)**2``.

    Examples
    --------
    >>> round(next_level("never", 0.05, 0.0, 1, 0).level, 4), round(next_level("share", 0.05, 0.02, 3, 1).level, 5)
    (0.0304, 0.00386)
    """
    from scipy.special import zeta

    left = budget - spent
    if left <= 0:
        text = f"Got gate.error_budget {budget:g}, but earlier challengers were judged under a larger one and took {spent:.3g}"
        raise ConfigError(f"{text}; nothing is left to judge another one with: use more than that")
    exponent = EXPONENTS[guarantee]
    taken = left * nth**-exponent / float(zeta(exponent, nth))
    return Level(taken * (promotions + 1) if guarantee == "share" else taken, taken)
