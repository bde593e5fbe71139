"""All columns together: held against ordinary days whatever the columns have in common, and blind to one far column."""

import numpy as np
import pytest
from scipy import stats

from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.day_statistics import DayStatistics
from include.stages.drift.comparing.differences import compare
from include.stages.drift.comparing.joint_test import SquaredDistance, joint_test

DAYS = 28


def held(distances, *, length=1, independent=1.0):
    """Return the test of the last run of ``length`` days against those of the days before it, (days, columns)."""
    runs = np.array([distances[first : first + length].mean(axis=0) for first in range(len(distances) - length + 1)])
    squares = runs**2 * length
    return joint_test(
        [SquaredDistance(column[-1], dict(enumerate(column[:-length])), length, independent) for column in squares.T]
    )


@pytest.mark.parametrize("shared", [0.0, 0.7], ids=["independent", "dependent"])
@pytest.mark.parametrize("length", [1, 3])
def test_p_values_of_ordinary_windows_are_as_frequent_as_they_say(shared, length):
    generator, p_values = np.random.default_rng(0), []
    for _ in range(600):
        common = generator.normal(size=(DAYS + length, 1))
        drawn = generator.normal(size=(DAYS + length, 12))
        p_values.append(held(np.sqrt(shared) * common + np.sqrt(1 - shared) * drawn, length=length).p_value)
    for level in (0.01, 0.05):
        assert stats.binomtest(sum(p < level for p in p_values), 600, level, alternative="greater").pvalue > 0.001
    assert 0.35 < np.mean(p_values) < 0.65


def test_small_moves_of_all_columns_are_found_and_rarest_is_that_of_the_furthest_day():
    distances = np.random.default_rng(1).normal(size=(DAYS + 1, 12))
    ordinary = held(distances)
    distances[-1] += 2.5
    moved = held(distances)
    assert moved.p_value < 1e-4 < ordinary.p_value
    assert moved.rarest == ordinary.rarest > 1e-3
    distances[5] += 4.0
    assert held(distances).rarest < moved.p_value


def test_days_that_depend_on_each_other_tell_less_and_runs_are_not_taken_for_less_than_one():
    distances = np.random.default_rng(2).normal(size=(DAYS + 1, 12))
    distances[-1] += 1.7
    assert held(distances, independent=0.3).p_value > 10 * held(distances).p_value
    shrunk = np.vstack([distances[:-1] / 2, distances[-1:]])
    assert held(shrunk).p_value == pytest.approx(held(shrunk * np.append(np.full(DAYS, 1.1), 1.0)[:, None]).p_value)
    assert held(shrunk).expected == pytest.approx(1.0)


def test_two_columns_or_a_short_reference_are_no_joint_test():
    assert held(np.random.default_rng(3).normal(size=(DAYS + 1, 2))) is None
    assert held(np.random.default_rng(3).normal(size=(10, 12)), length=3) is None
    assert joint_test([]) is None


def test_columns_that_never_vary_show_any_change_and_no_other():
    constant = np.zeros((DAYS + 1, 5))
    assert held(constant).p_value == 1.0
    constant[-1] = 1.0
    assert held(constant).p_value == 0.0


def test_statistic_counts_for_three_standard_errors_at_most_and_shares_of_missing_values_not_at_all():
    values = np.random.default_rng(4).normal(size=(DAYS, 2))

    def squared(*now, rare=False):
        def statistics(values, first=0):
            days = np.arange(first, first + len(values)) + 738_000
            rows, variance = np.full(len(values), 1e9), np.full(2, 1.0)
            return DayStatistics(
                ["location", "x"], values, values, np.zeros(len(values)), rows, variance, days, [False, rare]
            )

        line = ColumnLine(statistics(values), statistics(np.array([now]), first=DAYS + 5), by_weekday=False)
        return compare([line])[0].squared[0]

    assert squared(50.0, 50.0).window == pytest.approx(9.0)
    far, near = squared(50.0, 0.0), squared(50.0, 0.0, rare=True)
    assert near.window == pytest.approx(9.0)
    assert far.window == pytest.approx(0.75 * 9.0, abs=0.3)
    assert set(near.runs) == set(range(738_000, 738_000 + DAYS))
