"""Days of standard normal columns as profiles, drawn without raw rows: ordinary days that differ, and shifts to be found."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from include.stages.drift.profiling.binning import BINS
from include.stages.drift.profiling.column_profile import Counts, Profile

COLUMNS, MOVED = 20, 5
START = date(2026, 1, 5)
INNER = stats.norm.ppf(np.arange(1, BINS) / BINS)
EDGES = [-np.inf, *INNER.tolist(), np.inf]


@dataclass(frozen=True)
class Effect:
    """How days differ: sd of a day's means, sd of the weekdays' shifts, and the shift to be found."""

    name: str
    day: float = 0.0
    weekday: float = 0.0
    shift: float = 0.0


EFFECTS = (
    Effect("none"),
    Effect("day-0.05", day=0.05),
    Effect("day-0.1", day=0.1),
    Effect("weekday", weekday=0.1),
    Effect("shift", shift=0.2),
    Effect("shift+day", day=0.1, shift=0.3),
)


class Days:
    """A loop's days, drawn one after the other.

    Parameters
    ----------
    effect
        How they differ.
    rows
        Rows a day.
    generator
        Source of randomness.
    """

    def __init__(self, effect: Effect, rows: int, generator: np.random.Generator) -> None:
        self._effect, self._rows, self._generator = effect, rows, generator
        self._weekly = generator.normal(0, effect.weekday, (7, COLUMNS))

    def means(self, number: int, *, shifted: bool) -> NDArray[np.float64]:
        """Return the mean of each column on a day, (`COLUMNS`,)."""
        means: NDArray[np.float64] = self._weekly[number % 7] + self._generator.normal(0, self._effect.day, COLUMNS)
        means[:MOVED] += self._effect.shift if shifted else 0.0
        return means

    def profiles(self, number: int, *, shifted: bool = False) -> list[Profile]:
        """Return the profile of each column on a day."""
        below = stats.norm.cdf(INNER - self.means(number, shifted=shifted)[:, None])
        shares = np.diff(below, axis=1, prepend=0, append=1)
        counts = self._generator.multinomial(self._rows, shares)
        return [
            Profile(date_of(number), "", f"x{column}", self._rows, Counts("numeric", of_bin, EDGES))
            for column, of_bin in enumerate(counts.tolist())
        ]


def date_of(number: int) -> str:
    """Return the n-th day."""
    return (START + timedelta(days=number)).isoformat()
