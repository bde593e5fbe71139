"""What is assumed of the days of a column, and how far some of them then are from its line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Held:
    """What is assumed of each statistic of a column, (k,), when its days are held against the line.

    Attributes
    ----------
    place
        Of its autocorrelation, among those that are told apart.
    belief
        Share of the slope that is believed, 0 to 1.
    variance, degrees
        Of a day, and degrees of freedom of that.
    independent
        Share of the reference days that are independent, as far as they tell the variance.
    """

    place: Places
    belief: Numbers
    variance: Numbers
    degrees: Numbers
    independent: Numbers


@dataclass(frozen=True)
class Distances:
    """How many standard errors some days are from the line, and as many reference days in a row, of each statistic, (k,).

    Attributes
    ----------
    window
        Infinite where a statistic never varied and differs.
    runs
        Of each run of reference days taken together, (runs, k).
    runs_matter
        Whether these differ from the line by an effect that matters, (runs, k).
    run_days
        Ordinal of each run's first day, (runs,).
    run_degrees
        Degrees of freedom of ``runs``.
    weights
        Of the days of the window and before it, (days,).
    """

    window: Numbers
    runs: Numbers
    runs_matter: NDArray[np.bool_]
    run_days: NDArray[np.int64]
    run_degrees: Numbers
    weights: Numbers

    @property
    def ordinary(self) -> Numbers:
        """How far a run is at most that differs by an effect that matters, (k,)."""
        return np.asarray((np.abs(self.runs) * self.runs_matter).max(axis=0, initial=0.0))
