"""What columns say together: how much days depend on each other, and how much they differ."""

import numpy as np
import pytest

from include.stages.drift.comparing.pooling import correlations, moderated
from tests.include.stages.drift.drift_builders import column_line, walks

DAYS, ROWS = 28, 100


def held(columns, place=0):
    return [line.held(np.array([place]), np.zeros(1)) for line in columns]


def test_dependence_is_that_of_what_days_add_to_sampling():
    """Two hundred columns, half of whose variance is sampling: the next day shows 0.35, all that follow as much as 0.54 would.

    In 28 days less of both is seen.
    """
    generator = np.random.default_rng(0)
    drawn = walks(generator, 200, 0.7) + generator.normal(size=(200, DAYS))
    found = np.mean(correlations([column_line(days, row_variance=ROWS) for days in drawn]))
    taken_for_plain = np.mean(correlations([column_line(days) for days in drawn]))
    assert taken_for_plain == pytest.approx(0.3, abs=0.06)
    assert found == pytest.approx(0.45, abs=0.07)


@pytest.mark.parametrize("count", [10, 300])
def test_days_that_add_nothing_to_sampling_do_not_depend_however_many_columns_there_are(count):
    drawn = np.random.default_rng(1).normal(size=(count, DAYS))
    assert np.mean(correlations([column_line(days, row_variance=ROWS) for days in drawn])) < 0.1


def test_two_columns_that_show_dependence_by_chance_are_drawn_to_all_columns():
    """Of thirty pairs of independent columns beside ten others, one looks as if its days depended by a third."""
    generator = np.random.default_rng(7)
    others = [column_line(days, row_variance=ROWS) for days in generator.normal(scale=1.4, size=(10, DAYS))]
    alone, beside = [], []
    for _ in range(30):
        pair = [
            column_line(days, row_variance=ROWS, name="red") for days in generator.normal(scale=1.1, size=(2, DAYS))
        ]
        alone.append(float(np.mean(correlations(pair))))
        beside.append(float(np.mean(correlations([*others, *pair])[-2:])))
    assert max(alone) > 0.3
    assert max(beside) < 0.7 * max(alone)
    assert np.mean(beside) < 0.7 * np.mean(alone)


def test_variances_of_columns_that_are_alike_are_drawn_together_and_count_for_more_days():
    columns = [column_line(days) for days in np.random.default_rng(2).normal(size=(12, DAYS))]
    own, drawn = held(columns), moderated(columns, held(columns))
    spread = [np.std([float(each.variance[0]) for each in side]) for side in (own, drawn)]
    assert spread[1] == pytest.approx(spread[0] / 2, rel=0.05)
    assert [float(each.degrees[0]) for each in drawn] == pytest.approx([52.0] * 12)


def test_other_columns_count_for_little_where_columns_differ():
    scales = 10.0 ** np.arange(-3, 3)
    columns = [
        column_line(scale * days)
        for scale, days in zip(scales, np.random.default_rng(3).normal(size=(6, DAYS)), strict=True)
    ]
    for before, after in zip(held(columns), moderated(columns, held(columns)), strict=True):
        assert after.degrees[0] < 1.1 * before.degrees[0]


def test_three_columns_shares_of_categories_and_what_never_varies_are_left_as_they_are():
    drawn = np.random.default_rng(4).normal(size=(8, DAYS))
    for columns in ([column_line(days) for days in drawn[:3]], [column_line(days, name="red") for days in drawn]):
        for before, after in zip(held(columns), moderated(columns, held(columns)), strict=True):
            assert (after.variance, after.degrees) == (pytest.approx(before.variance), before.degrees)
    constant = column_line(np.zeros(DAYS))
    columns = [*(column_line(days) for days in drawn), constant]
    assert moderated(columns, held(columns))[-1].variance == 0.0


def test_far_day_of_days_that_depend_on_each_other_is_not_infinitely_far():
    days = walks(np.random.default_rng(5), 1, 0.9)[0]
    days[12] += 6
    line = column_line(days)
    runs = line.alone(held([line], place=8)[0]).runs
    assert 3 < np.abs(runs).max() < 30
