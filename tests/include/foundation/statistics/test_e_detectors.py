"""Bets that begin anew every day: fair while nothing changes, and quick to see a change whenever it comes."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from math import prod

import numpy as np
import pytest

from include.foundation.errors import ContractError
from include.foundation.statistics.e_detectors import WatchedDay, change_evidence, day_numbers, shortfall_days
from include.foundation.statistics.e_values import BETS


def play(rows, first=1, step=1):
    return change_evidence([WatchedDay(first + step * n, [row]) for n, row in enumerate(rows)])


def test_one_row_on_the_first_day_is_the_mean_bet_with_that_days_stake():
    stake = 1 - 2**-0.2
    assert play([1.0]).e_value == pytest.approx(stake * np.mean(1 + BETS) + 1 - stake)
    assert play([1.0]).suspicion == pytest.approx(np.mean(1 + BETS))


def test_every_process_that_began_before_a_row_bets_on_it():
    """Days without rows count: what began on one of them bets on the next row as well."""
    stake = 1 - 5**-0.2
    assert play([-0.5], first=4).e_value == pytest.approx(stake * np.mean(1 - BETS / 2) + 1 - stake)


@pytest.mark.parametrize("step", [1, 3])
def test_fair_game_expects_one_at_every_look(step):
    """By enumeration: a mean of zero on every day, in rows of unequal size."""
    for rows in range(1, 9):
        chances = {0.8: 0.2, -0.2: 0.8}
        expected = sum(
            prod(chances[x] for x in path) * play(path, step=step).e_value for path in product(chances, repeat=rows)
        )
        assert expected == pytest.approx(1)


def test_a_row_that_is_worse_than_the_stake_scales_the_bets():
    day = WatchedDay(1, [-1.6], worst=1.6)
    assert change_evidence([day]).suspicion == pytest.approx(np.mean(1 - BETS))


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ((1, [np.nan]), "got rows .nan."),
        ((1, [-1.5]), "got rows .-1.5."),
        ((1, [np.inf]), "got rows .inf."),
        ((0, [0.5]), "Day 0"),
        ((1, [0.5], 0.0), "worst 0"),
        ((1, [0.5], np.nan), "worst nan"),
    ],
)
def test_day_that_no_bet_is_fair_on_is_refused(day, told):
    with pytest.raises(ContractError, match=told):
        WatchedDay(*day)


def test_days_may_come_in_any_order():
    days = [WatchedDay(n, [0.8 if n % 3 else -0.2, -0.2]) for n in range(1, 40)]
    assert change_evidence(days[::-1]) == change_evidence(days)


@pytest.mark.parametrize("good_days", [0, 30, 180, 1000])
def test_change_is_seen_whatever_came_before(good_days):
    good, bad = [[-0.1] * 10] * good_days, [[-0.1] * 6 + [0.9] * 4] * 20
    days = [WatchedDay(n, excess) for n, excess in enumerate(good + bad, start=1)]
    assert change_evidence(days[:good_days]).e_value <= 1
    found = change_evidence(days)
    assert found.e_value > 1000
    assert found.suspicion > found.e_value


def test_long_life_neither_overflows_nor_runs_out_of_stake():
    days = [WatchedDay(n, [0.9] * 10) for n in range(1, 400)]
    assert 1e300 < change_evidence(days).e_value < np.inf
    assert change_evidence([WatchedDay(10**6, [])]).e_value == pytest.approx(1)


def test_unchanged_life_rarely_raises_a_false_alarm():
    """At the bound itself, looked at on each of 200 days: the promise is 5 %."""
    generator, alarms, lives = np.random.default_rng(0), 0, 60
    for _ in range(lives):
        rows = np.where(generator.random((200, 5)) < 0.2, 0.8, -0.2)
        days = [WatchedDay(n, row) for n, row in enumerate(rows.tolist(), start=1)]
        alarms += any(change_evidence(days[:n]).e_value >= 20 for n in range(25, 201, 25))
    assert alarms <= 0.05 * lives


def test_shortfall_of_a_day_is_weighed_within_the_day():
    """The mean excess has the sign of floor less weighted mean, whatever other days' rows stand for."""
    scores, chances = [1.0, 0.0, 1.0], [0.5, 0.25, 0.001]
    (first, second) = shortfall_days(scores, chances, [1, 1, 2], 0.8)
    assert (first.number, second.number) == (1, 2)
    assert first.excess == pytest.approx([-0.1, 0.8])
    assert second.excess == pytest.approx([-0.2])
    assert shortfall_days([], [], [], 0.8) == []


def test_rows_of_a_group_are_one_bet_of_a_day():
    (day,) = shortfall_days([0.0, 0.0, 1.0, 0.0], [0.5] * 4, [1] * 4, 0.8, ["a", "a", "b", None])
    assert day.excess == pytest.approx([0.8, -0.1, 0.4])
    (alone,) = shortfall_days([0.0, 1.0], [0.5] * 2, [1] * 2, 0.8, [None, None])
    assert alone.excess == pytest.approx([0.8, -0.2])


def test_days_are_those_of_utc():
    east = timezone(timedelta(hours=5))
    since = datetime(2026, 11, 1, 22, tzinfo=UTC)
    assert day_numbers(
        [since, datetime(2026, 11, 2, 4, 59, tzinfo=east), datetime(2026, 11, 2, 5, tzinfo=east)], since
    ) == [1, 1, 2]
