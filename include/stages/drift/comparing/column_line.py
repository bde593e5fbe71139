"""One column's statistics and the line through its reference days: how far the window, and each reference day, lies from it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.errors import ContractError
from include.foundation.statistics.tails import upper_f
from include.stages.drift.comparing.day_statistics import DayStatistics
from include.stages.drift.comparing.held_days import Distances, Held, Numbers, Places
from include.stages.drift.comparing.reference_line import AUTOCORRELATIONS, Spread, reference_line, runs_of

TINY = 1e-12
WEEKDAY_LEVEL = 0.01
ROUNDED_UP = 0.65  # of a tenth: an autocorrelation counts as the next higher one that is told apart
FURTHEST_DAY = 3.0  # standard errors that one of the days taken together counts for at most


class ColumnLine:
    """The statistics of one column on its reference days, in the window, and on the days before it.

    Parameters
    ----------
    reference
        At least three days.
    current
        Days of the window, which are weighted by their rows.
    before
        Days of the windows before it that confirm it; they are no reference days. None where a window is held alone.
    by_weekday
        Whether weekdays may differ.
    has_slope
        Whether days may follow a slope.
    furthest
        Standard errors that one of the days taken together counts for at most.
    floors
        Smallest effects that matter, of most statistics and of shares of missing, unseen and rare values.
    """

    def __init__(
        self,
        reference: DayStatistics,
        current: DayStatistics,
        before: DayStatistics | None = None,
        *,
        by_weekday: bool,
        has_slope: bool = True,
        furthest: float = FURTHEST_DAY,
        floors: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.reference, self._furthest = reference, furthest
        self._floors = np.where(reference.are_rare, *reversed(floors))
        targets = [current] if before is None else [current, before]
        self._values = np.concatenate([each.values for each in targets])
        self._natural = np.concatenate([each.natural for each in targets])
        self._distance = np.concatenate([each.distance for each in targets])
        self._rows = np.concatenate([each.rows for each in targets])
        self._of_window = len(current.values)
        days, reached = tuple(reference.days.tolist()), tuple(np.concatenate([each.days for each in targets]).tolist())
        plain = reference_line(days, reached, by_weekday=False, has_slope=has_slope)
        weekly = reference_line(days, reached, by_weekday=True, has_slope=has_slope) if by_weekday else None
        if plain is None:
            raise ContractError(f"got {len(days)} reference days, expected at least three")
        self._lines = [plain] if weekly is None else [plain, weekly]
        self._weekly = self._weekdays_differ()
        self._left = self._chosen(lambda line: line.remainder @ reference.values)
        self._squares = (self._left**2).sum(axis=0)

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Whether each statistic varies in the reference, (k,)."""
        return np.asarray(self._squares > TINY)

    @property
    def autocorrelation(self) -> Numbers:
        """How much each statistic of a day says of that of the next one, (k,)."""
        return np.asarray(self._chosen(lambda line: line.autocorrelation(line.remainder @ self.reference.values)))

    @property
    def day_share(self) -> Numbers:
        """Share of each statistic's variance that days add to that of sampling, (k,); below 0 where they seem to add none."""
        variance = self._variance(np.zeros(len(self._squares), dtype=np.intp))
        sampled = self.reference.row_variance * np.mean(1 / self.reference.rows)
        return np.asarray(1 - sampled / np.where(variance > TINY, variance, np.inf))

    @property
    def error(self) -> float:
        """Standard error of an autocorrelation."""
        return self._lines[0].error

    @property
    def natural_slope(self) -> Numbers:
        """By how much each statistic rises a day, in the units of effects, (k,)."""
        return np.asarray(self._chosen(lambda line: line.slope @ self.reference.natural))

    def placed(self, autocorrelation: Numbers) -> Places:
        """Return the place of each autocorrelation, (k,), among those that are told apart."""
        steps = np.floor(autocorrelation * 10 + ROUNDED_UP)
        return np.clip(steps, 0, len(AUTOCORRELATIONS) - 1).astype(np.intp)

    def slope_t(self, place: Places) -> Numbers:
        """Return how many of its standard errors each slope is from 0, (k,), not negative."""
        error = np.sqrt(self._variance(place) * self._chosen(lambda line: line.slope_variance[place]))
        return np.abs(self._slope) / np.where(error > 0, error, np.inf)

    def held(self, place: Places, belief: Numbers) -> Held:
        """Return what is assumed, given the places of the autocorrelations and the beliefs in the slopes, both (k,)."""
        degrees = self._chosen(lambda line: line.degrees[place])
        return Held(place, belief, self._variance(place), degrees, degrees / self._chosen(lambda line: line.trace[0]))

    def alone(self, held: Held) -> Distances:
        """Return how far the window, and at most as many reference days in a row held against the others, are from the line."""
        weights = np.zeros(len(self._rows))
        weights[: self._of_window] = self._rows[: self._of_window] / self._rows[: self._of_window].sum()
        runs = self._run_distances(held, self._of_window, self._spread(held, weights)[1], np.inf)
        return Distances(self._distance_in_errors(held, weights), *runs, np.maximum(held.degrees - 1, 1.0), weights)

    def together(self, held: Held) -> Distances | None:
        """Return the same of the window and the days before it taken together; None if there are none.

        No day counts for more than ``furthest``: one far day among ordinary ones is no lasting change.
        """
        count = len(self._rows)
        if count == self._of_window or self._of_window > 1:
            return None
        each = np.eye(count)
        t = np.array([self._distance_in_errors(held, weights) for weights in each])
        whole = self._spread(held, np.full(count, 1 / count))
        one = np.mean([self._spread(held, weights)[0] for weights in each], axis=0)
        runs = self._run_distances(held, count, whole[1], self._furthest)
        mean = np.clip(t, -self._furthest, self._furthest).mean(axis=0) * np.sqrt(one / whole[0])
        return Distances(mean, *runs, held.degrees, np.full(count, 1 / count))

    def _run_distances(
        self, held: Held, length: int, own: Numbers, furthest: float
    ) -> tuple[Numbers, NDArray[np.bool_], NDArray[np.int64]]:
        """Return how far each mean of so many reference days in a row is, whether that matters, and their first days.

        The variance of such a mean, if a day has 1, is ``own``; no day counts for more than ``furthest``.
        """
        places = runs_of(self.reference.days, length)
        distances = np.clip(self._reference_t(held), -furthest, furthest)[places].mean(axis=1) / np.sqrt(own)
        natural = self._chosen(lambda line: line.remainder @ self.reference.natural)[places].mean(axis=1)
        apart = (self.reference.distance - self.reference.distance.mean())[places].mean(axis=1)
        apart = np.where(self.reference.are_rare, 0.0, apart[:, None])
        matter = np.maximum(np.abs(natural), apart) >= self._floors
        return np.asarray(distances), matter, self.reference.days[places[:, 0]]

    def natural(self, held: Held, weights: Numbers) -> tuple[Numbers, Numbers, float]:
        """Return what is expected and found of days with these weights, both (k,), and how far their categories lie apart."""
        natural = self.reference.natural
        expected = self._chosen(lambda line: (weights @ line.level) @ natural)
        expected = expected + held.belief * self._chosen(
            lambda line: (weights @ line.distance) * (line.slope @ natural)
        )
        apart = float(weights @ self._distance - self.reference.distance.mean()) - self._extra_noise(weights)
        return expected, weights @ self._natural, apart

    @property
    def _slope(self) -> Numbers:
        return np.asarray(self._chosen(lambda line: line.slope @ self.reference.values))

    def _chosen(self, of_line: Any) -> Any:
        """Return what the lines give, of each statistic the line that it is held against; the last axis is (k,)."""
        by_line = [of_line(line) for line in self._lines]
        return by_line[0] if len(by_line) == 1 else np.where(self._weekly, by_line[1], by_line[0])

    def _weekdays_differ(self) -> NDArray[np.bool_]:
        """Return which statistics' weekdays differ, (k,)."""
        if len(self._lines) == 1:
            return np.zeros(self._values.shape[1], dtype=np.bool_)
        squares = [((line.remainder @ self.reference.values) ** 2).sum(axis=0) for line in self._lines]
        degrees = [round(float(line.trace[0])) for line in self._lines]
        between = degrees[0] - degrees[1]
        ratio = ((squares[0] - squares[1]) / between) / np.maximum(squares[1] / degrees[1], TINY)
        return np.asarray(upper_f(np.maximum(ratio, 0.0), between, degrees[1]) < WEEKDAY_LEVEL)

    def _variance(self, place: Places) -> Numbers:
        return np.asarray(self._squares / self._chosen(lambda line: line.trace[place]))

    def _spread(self, held: Held, weights: Numbers) -> tuple[Numbers, Numbers]:
        """Return the variance of the distance of a mean of days, and the part that the days themselves have, both (k,)."""
        spreads: list[Spread] = []
        whole = self._chosen(lambda line: _added(spreads, line.spread(weights)).at(held.place, held.belief))
        return whole, spreads[0].own[held.place]

    def _distance_in_errors(self, held: Held, weights: Numbers) -> Numbers:
        """Return how many standard errors a mean of days is from the line, (k,); infinite where it never varied and differs."""
        whole, own = self._spread(held, weights)
        rows, share = 1 / float(weights**2 @ (1 / self._rows)), float(weights @ weights)
        of_row = self.reference.row_variance
        extra = max(0.0, 1 / rows - float(np.mean(1 / self.reference.rows)) * share)
        of_window = np.maximum(held.variance * own + of_row * extra, of_row / rows)
        error = np.sqrt(np.maximum(of_window + held.variance * (whole - own), of_row / rows))
        reached = self._chosen(lambda line: (weights @ line.level) @ self.reference.values)
        reached = reached + held.belief * self._slope * self._chosen(
            lambda line: np.full(len(self._squares), weights @ line.distance)
        )
        distance = weights @ self._values - reached
        is_constant = error < TINY**0.5
        of_constant = np.where(np.abs(distance) < TINY**0.5, 0.0, np.copysign(np.inf, distance))
        return np.where(is_constant, of_constant, distance / np.where(is_constant, 1.0, error))

    def _reference_t(self, held: Held) -> Numbers:
        """Return how many standard errors each reference day is from the line through the others, (n, k)."""
        rows = 1 / self.reference.rows[:, None]
        sampled, remains = self.reference.row_variance, self._chosen(lambda line: line.remainders[held.place].T)
        variance = held.variance * remains + np.maximum(rows - rows.mean(), 0) * sampled
        inside = self._left / np.sqrt(np.where(variance > TINY, variance, np.inf))
        days = held.degrees / held.independent  # as many as would tell as much if none depended on another
        square = np.minimum(inside**2, days * (1 - 1e-9))
        others = variance * (days - square) / np.maximum(days - 1, 1)
        error = np.sqrt(np.maximum(others, rows * sampled * remains))
        return np.asarray(self._left / np.where(error > TINY**0.5, error, np.inf))

    def _extra_noise(self, weights: Numbers) -> float:
        """Return how much further sampling alone takes a day of the window from the reference, because it has fewer rows."""
        share = np.clip(self.reference.natural.mean(axis=0), 0, 1)
        of_one_row = float(np.sqrt(share * (1 - share) / (2 * np.pi)).sum())  # half the mean absolute deviations
        return of_one_row * max(0.0, float(weights @ self._rows**-0.5 - (self.reference.rows**-0.5).mean()))


def _added(spreads: list[Spread], spread: Spread) -> Spread:
    spreads.append(spread)
    return spread
