"""Evidence of a change: bets against a null hypothesis that are begun anew every day."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.errors import ContractError
from include.foundation.statistics.e_values import BETS, CLIP, ROUNDING
from include.foundation.statistics.estimates import design_weights

SPENDING = 0.2  # of the stake, (j + 1) ** -0.2 is left for bets that begin after day j


@dataclass(frozen=True)
class WatchedDay:
    """What a day's rows say against a null hypothesis.

    Attributes
    ----------
    number
        1 for the first day that is watched; days without rows count as well.
    excess
        How far each row is above the mean that the hypothesis allows on that day, (n,).
    worst
        The most that a row can be below it, above 0; known before the rows are.
    """

    number: int
    excess: Sequence[float]
    worst: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no bet is fair on.

        Raises
        ------
        ContractError
            If the day has no number, or a row is below what it can be, or is NaN.
        """
        rows = np.asarray(self.excess, dtype=np.float64)
        fair = np.isfinite(rows) & (rows >= -self.worst - ROUNDING)
        if self.number < 1 or not 0 < self.worst < np.inf or not fair.all():
            raise ContractError(
                f"Day {self.number}: got rows {rows[~fair].tolist()[:10]} and worst {self.worst:g}, expected a day from 1, "
                "and rows that are finite and not below -worst"
            )


@dataclass(frozen=True)
class ChangeEvidence:
    """Evidence that the null hypothesis stopped to hold on some day.

    Attributes
    ----------
    e_value
        Of the hypothesis that it holds on every day; 1.0 without rows.
    suspicion
        The largest wealth of the bets that began on any one day. No e-value: it says when to look more closely.
    """

    e_value: float
    suspicion: float


@dataclass(frozen=True)
class ChangeBets:
    """The wealth of every bet that began on some day, once all days up to one were played; each as a logarithm.

    Attributes
    ----------
    running
        Of the bets that began so far, times the stake of their day, added up; by size of the bet.
    newest
        The largest since any day, with the stake 1; by size of the bet.
    played
        Number of the last day that was played; 0 before the first.
    """

    running: NDArray[np.float64] = field(default_factory=lambda: np.full(BETS.size, -np.inf))
    newest: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BETS.size))
    played: int = 0

    def after(self, day: WatchedDay) -> "ChangeBets":
        """Return the bets after a later day."""
        gained = _log_factors(day)
        with np.errstate(divide="ignore"):
            begun = np.logaddexp(self.running, np.log(_stake_after(self.played) - _stake_after(day.number)))
        return ChangeBets(begun + gained, np.maximum(self.newest, 0.0) + gained, day.number)

    @property
    def evidence(self) -> ChangeEvidence:
        """What the bets won so far; those of days to come still have their stake."""
        won = np.logaddexp(_log_mean(self.running), np.log(_stake_after(self.played)))
        return ChangeEvidence(_exp(won), _exp(_log_mean(self.newest)))


def change_evidence(days: Iterable[WatchedDay]) -> ChangeEvidence:
    """Return the evidence that the mean of some day on exceeds what the null hypothesis allows.

    While the hypothesis holds on every day, the e-value ever reaches ``1 / a`` with probability at most ``a``, however many
    days are watched and however often it is looked at.

    Parameters
    ----------
    days
        Rows by day, in any order; a number occurs once.

    Notes
    -----
    An e-detector adds up e-processes that begin at consecutive times (Shin, Ramdas & Rinaldo, 2024). Each with the stake 1, as
    in the one of Shiryaev and Roberts, bounds how seldom alarms are in the mean. Here the process that begins on day j has the
    stake ``j ** -0.2 - (j + 1) ** -0.2``. All stakes add up to 1, so their sum is an e-process, and Ville's inequality bounds
    the probability of any false alarm in a life of any length. The price is about ``1.2 log(j) + 1.6`` in the logarithm of the
    evidence for a change on day j. Labels may come back in any order: a product does not depend on it.

    Examples
    --------
    >>> change_evidence([])
    ChangeEvidence(e_value=1.0, suspicion=1.0)
    >>> good, bad = [[-0.2] * 9 + [0.8]] * 90, [[-0.2] * 5 + [0.8] * 5] * 20
    >>> days = [WatchedDay(number, excess) for number, excess in enumerate(good + bad, start=1)]
    >>> change_evidence(days[:90]).e_value < 1 < 20 < change_evidence(days).e_value
    True
    """
    return reduce(ChangeBets.after, sorted(days, key=lambda day: day.number), ChangeBets()).evidence


def one_by_group(excess: ArrayLike, groups: Sequence[Hashable | None], largest: float = 0.0) -> list[float]:
    """Return what a day's rows say, with the rows of a group as one: their sum, over the most that a group adds up.

    Parameters
    ----------
    excess
        float64, (n,), of each row.
    groups
        The group of each, (n,); None for a row on its own.
    largest
        Number of rows in the largest group, if that was settled before the rows were; that of these rows if it is larger.

    Examples
    --------
    >>> one_by_group([0.5, -0.5, 0.25, 1.0], ["a", "a", "b", None])
    [0.0, 0.125, 0.5]
    """
    places: dict[Hashable, int] = {}
    bets = [
        places.setdefault((place, group is None) if group is None else group, len(places))
        for place, group in enumerate(groups)
    ]
    rows = np.bincount(bets) if bets else np.zeros(0)
    total = np.bincount(bets, np.asarray(excess, dtype=np.float64)) if bets else rows
    values: list[float] = (total / max(largest, float(rows.max(initial=1)))).tolist()
    return values


def likely_begin(days: Sequence[WatchedDay]) -> int:
    """Return the number of the day since which rows exceed most what the null hypothesis allows: the likely day of a change.

    Parameters
    ----------
    days
        At least one.

    Examples
    --------
    >>> likely_begin([WatchedDay(1, [0.1]), WatchedDay(2, [-0.6]), WatchedDay(3, [0.3, 0.4]), WatchedDay(5, [0.2])])
    3
    """
    newest_first = sorted(days, key=lambda day: -day.number)
    since = np.cumsum([sum(day.excess) for day in newest_first])
    return newest_first[int(since.argmax())].number


def shortfall_days(
    scores: ArrayLike,
    inclusion_probabilities: ArrayLike,
    numbers: ArrayLike,
    floor: float,
    groups: Sequence[Hashable | None] | None = None,
) -> list[WatchedDay]:
    """Return what rows say against the hypothesis that on every day the mean score is at least the floor.

    Parameters
    ----------
    scores
        float64, (n,), each 0 to 1.
    inclusion_probabilities
        float64, (n,), above 0, at most 1: of the rows of a day, those that stand for more weigh more.
    numbers
        int, (n,): the number of each row's day, from 1.
    floor
        0 to 1.
    groups
        The group of each row, (n,), None for a row on its own: rows of a group are one bet.

    Examples
    --------
    >>> [day.number for day in shortfall_days([1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1, 1, 3], 0.8)]
    [1, 3]
    """
    below, weights = floor - np.asarray(scores, dtype=np.float64), design_weights(inclusion_probabilities)
    of_day, of_group = np.asarray(numbers, dtype=np.int64), groups or [None] * len(below)
    days = []
    for number in np.unique(of_day).tolist():
        rows = np.flatnonzero(of_day == number)
        scaled = below[rows] * weights[rows] / weights[rows].max()
        days.append(WatchedDay(number, one_by_group(scaled, [of_group[place] for place in rows.tolist()])))
    return days


def day_numbers(moments: Sequence[datetime], since: datetime) -> list[int]:
    """Return the number of each moment's day in UTC, 1 for that of ``since``.

    Examples
    --------
    >>> day_numbers([datetime(2026, 11, 2, 1, tzinfo=UTC)], datetime(2026, 11, 1, 23, tzinfo=UTC))
    [2]
    """
    first = since.astimezone(UTC).date()
    return [(moment.astimezone(UTC).date() - first).days + 1 for moment in moments]


def _stake_after(day: int) -> float:
    """Return the share of the stake that is bet from later days on."""
    return float((day + 1) ** -SPENDING)


def _log_factors(day: WatchedDay) -> NDArray[np.float64]:
    """Return by what each bet's wealth is multiplied, as a logarithm; no row can cost more than the wealth."""
    bets = BETS / max(day.worst, 1.0)
    return np.asarray(np.log1p(np.outer(bets, np.asarray(day.excess, dtype=np.float64))).sum(axis=1))


def _log_mean(logarithms: NDArray[np.float64]) -> float:
    return float(np.logaddexp.reduce(logarithms) - np.log(logarithms.size))


def _exp(logarithm: float) -> float:
    return float(np.exp(min(logarithm, CLIP)))
