"""Predictive power: whether labels that may still be asked for would be enough, judged by those that are known."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from include.foundation.statistics.e_values import Stake, growth, log_e_value


@dataclass(frozen=True)
class Outcomes:
    """What rows of disagreement showed so far, and so let one expect of further ones.

    Attributes
    ----------
    wins, losses, ties
        How many spoke for the challenger, for the champion, and for neither.
    win, loss
        By how much a row of the first two does in the mean, above 0, at most 1.
    weight, largest
        Of a row, see `include.foundation.statistics.e_values.Stake`.
    """

    wins: float
    losses: float
    ties: float
    win: float = 1.0
    loss: float = 1.0
    weight: float = 1.0
    largest: float = 1.0

    @property
    def decisive(self) -> float:
        """Share of rows that are no tie; a win and a loss are added, so that no rate is taken for certain."""
        return (self.wins + self.losses + 2) / (self.wins + self.losses + self.ties + 2)

    def further(self, wins: float, rows: float, threshold: float) -> Stake:
        """Return what further rows would be bet on.

        Parameters
        ----------
        wins
            How many of them speak for the challenger.
        rows
            How many there are.
        threshold
            Mean difference that the null hypothesis allows on them, -1 to 1.
        """
        decisive = round(rows * self.decisive)
        return self.stake([wins, decisive - wins, rows - decisive], threshold)

    def stake(self, counts: Sequence[float], threshold: float) -> Stake:
        """Return a bet on as many wins, losses and ties."""
        return Stake([self.win, -self.loss, 0.0], counts, threshold, [self.weight] * 3, self.largest)


def chance_to_reach(stakes: Sequence[Stake], seen: Outcomes, threshold: float, rows: int, log_needed: float) -> float:
    """Return the chance that further rows bring the evidence to what is needed, by what is known.

    Parameters
    ----------
    stakes
        The rows so far.
    seen
        What rows of disagreement showed so far.
    threshold
        Mean difference that the null hypothesis allows on such rows, -1 to 1.
    rows
        How many further rows of disagreement there may be.
    log_needed
        Logarithm of the e-value that is needed.

    Notes
    -----
    Predictive power (Spiegelhalter, Freedman & Blackburn, 1986): further wins are beta-binomial, with a uniform prior. Stopping
    where it is small never raises the error, since an e-value may be looked at any time. It costs some power, and saves the
    labels that would most probably have shown nothing.

    Examples
    --------
    >>> known = [Stake([1.0, -1.0], [30, 20])]
    >>> round(chance_to_reach(known, Outcomes(30, 20, 5), 0.0, 400, 6.0), 2)
    0.52
    >>> round(chance_to_reach(known, Outcomes(30, 20, 5), 0.0, 50, 6.0), 2)
    0.02
    """
    from scipy.stats import betabinom

    decisive = round(rows * seen.decisive)

    def reached(wins: int) -> bool:
        return log_e_value([*stakes, seen.further(wins, rows, threshold)]) >= log_needed

    fewest = bisect_left(range(decisive + 1), True, key=reached)
    return float(betabinom.sf(fewest - 1, decisive, seen.wins + 1, seen.losses + 1))


def rows_to_reach(seen: Outcomes, threshold: float, log_missing: float) -> int | None:
    """Return how many more rows of disagreement are needed if wins stay as frequent; None if no bet would grow.

    Parameters
    ----------
    seen
        What rows of disagreement showed so far; a win and a loss are added.
    threshold
        Mean difference that the null hypothesis allows on such rows, -1 to 1.
    log_missing
        Logarithm of the factor by which the evidence must still grow, above 0.

    Examples
    --------
    >>> rows_to_reach(Outcomes(30, 4, 0), 0.0, 3.0), rows_to_reach(Outcomes(4, 30, 0), 0.0, 3.0)
    (11, None)
    """
    counts = [seen.wins + 1, seen.losses + 1, seen.ties]
    grows = growth(seen.stake(counts, threshold))
    return int(np.ceil(log_missing / grows)) if grows > 0 else None


def next_round(known: float, left: int, rounds: int, most: int) -> int:
    """Return how many rows the next of some rounds asks for, so that each adds the same share to what is known by then.

    Parameters
    ----------
    known
        Rows of disagreement with a label, above 0.
    left
        Rows that may still be asked for, in all rounds, above 0.
    rounds
        Rounds that are left, this one among them.
    most
        Rows that a round may ask for.

    Notes
    -----
    What is known of a mean grows with the logarithm of the rows. A round that adds the same share each time is a look after the
    same progress each time: few labels are spent on a challenger that is soon seen to be no better, and none is left unspent.

    Examples
    --------
    >>> next_round(20, 480, 4, 400), next_round(100, 400, 3, 400), next_round(20, 480, 1, 100)
    (25, 71, 100)
    """
    even = known * ((known + left) / known) ** (1 / rounds) - known
    return min(left, most, max(1, int(np.ceil(even)), left - (rounds - 1) * most))
