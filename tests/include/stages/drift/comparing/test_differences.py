"""Differences from ordinary days: the textbook interval, its level, weekdays, and degenerate days."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from include.foundation.config.data_sections import Drift
from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.day_statistics import DayStatistics, missing_statistics, value_statistics
from include.stages.drift.comparing.differences import Difference, compare, differences, most_significant
from tests.include.stages.drift.drift_builders import MONDAY, categorical_profile, numeric_days, numeric_profile

WEEKLY = tuple(np.array([-1.2, -0.4, 0.1, 0.3, 0.9, 1.4, -1.1]) * 0.3)


def statistics(values, rows=1e9, first=0):
    """Return statistics named ``mean`` of days since a Monday, of one value a day."""
    values = np.asarray(values, dtype=float)[:, None]
    days = len(values)
    ordinals = MONDAY.toordinal() + np.arange(first, first + days)
    return DayStatistics(
        ["mean"], values, values, np.zeros(days), np.full(days, float(rows)), np.array([1.0]), ordinals, [False]
    )


def only(reference, window, *, by_weekday=False):
    (difference,) = differences(reference, window, by_weekday=by_weekday)
    return difference


def reported(reference, window, *, by_weekday=False, floor=0.0):
    compared = differences(value_statistics(reference), value_statistics(reference, window), by_weekday=by_weekday)
    return most_significant(compared, Drift(min_effect=floor))


def test_p_value_of_few_days_is_that_of_the_textbook_prediction_interval():
    generator = np.random.default_rng(0)
    values = generator.normal(size=13)
    expected = 2 * stats.t.sf(abs(0.7 - values.mean()) / (values.std(ddof=1) * np.sqrt(1 + 1 / 13)), 12)
    difference = only(statistics(values), statistics([0.7], first=13))
    assert difference.p_value == pytest.approx(expected)
    assert difference.effect == pytest.approx(abs(0.7 - values.mean()))


@pytest.mark.parametrize("weekly", [(0.0,) * 7, WEEKLY], ids=["plain", "weekdays"])
def test_p_value_where_days_follow_a_slope_is_that_of_the_regression(weekly):
    """Ordinary least squares with a slope, and a column for each weekday where they differ; days alternate, so none depends."""
    days = np.arange(28.0)
    values = np.tile(weekly, 4) + 0.05 * days + 0.02 * (-1) ** days
    has_weekdays = any(weekly)
    design = np.column_stack([np.tile(np.eye(7), (4, 1)) if has_weekdays else np.ones(28), days])
    now = np.append(np.eye(7)[31 % 7], 31.0) if has_weekdays else np.array([1.0, 31.0])
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    residual = values - design @ coefficients
    degrees = 28 - design.shape[1]
    error = np.sqrt(residual @ residual / degrees * (1 + now @ np.linalg.inv(design.T @ design) @ now))
    difference = only(statistics(values), statistics([1.6], first=31), by_weekday=True)
    assert difference.expected == pytest.approx(now @ coefficients, abs=1e-3)
    assert difference.p_value == pytest.approx(2 * stats.t.sf(abs(1.6 - now @ coefficients) / error, degrees), rel=0.05)
    assert difference.per_day == pytest.approx(coefficients[-1])
    assert difference.trend_p_value < 1e-12


def test_slope_is_followed_two_weeks_beyond_the_reference_and_not_at_all_where_that_is_fixed():
    rising = statistics(0.05 * np.arange(28) + 0.001 * (-1.0) ** np.arange(28))

    def expected(first, *, has_slope=True):
        window = statistics([0.0], first=first)
        return compare([ColumnLine(rising, window, by_weekday=False, has_slope=has_slope)])[0].alone[0].expected

    assert [expected(first) for first in (28, 41, 300)] == pytest.approx([1.4, 2.05, 2.05], abs=0.01)
    assert expected(300, has_slope=False) == pytest.approx(0.05 * 13.5, abs=0.01)


def walk(generator, days, autocorrelation):
    """Return days of variance 1 that depend on each other."""
    values = [generator.normal()]
    for _ in range(days - 1):
        values.append(autocorrelation * values[-1] + np.sqrt(1 - autocorrelation**2) * generator.normal())
    return np.array(values)


@pytest.mark.parametrize("autocorrelation", [0.0, 0.7])
def test_days_that_depend_on_each_other_have_small_p_values_no_more_often_than_stated(autocorrelation):
    """Twenty columns together, 60 repetitions, of a day a week after the reference; the limit is four standard errors above."""
    generator, below = np.random.default_rng(20), 0
    for _ in range(60):
        walks = [walk(generator, 35, autocorrelation) for _ in range(20)]
        lines = [ColumnLine(statistics(days[:28]), statistics(days[34:], first=34), by_weekday=False) for days in walks]
        below += sum(each.alone[0].p_value < 0.01 for each in compare(lines))
    assert below / 1200 <= 0.01 + 4 * np.sqrt(0.01 * 0.99 / 1200)


def test_reference_day_that_lies_far_out_is_the_rarest():
    values = np.random.default_rng(21).normal(size=28)
    plain = only(statistics(values), statistics([0.0], first=34))
    values[9] = 9.0
    assert only(statistics(values), statistics([0.0], first=34)).rarest < 1e-3 * plain.rarest


def test_window_of_several_days_is_held_against_as_many_reference_days_in_a_row():
    values = np.random.default_rng(23).normal(size=28)
    values[9], values[10] = 6.0, -6.0
    week, one = (only(statistics(values), statistics([0.0] * days, first=34)) for days in (7, 1))
    assert one.rarest < 1e-3 < week.rarest


def test_days_together_show_what_none_shows_alone_and_one_far_day_is_no_lasting_change():
    values = np.random.default_rng(22).normal(size=28)

    def held(*days):
        line = ColumnLine(
            statistics(values), statistics(days[2:], first=36), statistics(days[:2], first=34), by_weekday=False
        )
        return compare([line])[0]

    lasting, single = held(3.0, 3.0, 3.0), held(0.0, 9.0, 0.0)
    assert lasting.together[0].p_value < 0.01 < lasting.alone[0].p_value
    assert single.together[0].p_value > 0.02
    assert held(3.0, 3.0, 3.0).together[0].current == pytest.approx(3.0)


def test_weekdays_are_told_apart_only_if_they_differ_and_if_that_is_asked_for():
    noise = np.random.default_rng(2).normal(size=28)
    assert only(statistics(noise), statistics([0.5], first=28), by_weekday=True).expected == pytest.approx(
        noise.mean(), abs=0.5
    )
    weekly = noise * 0.01 + np.tile(WEEKLY, 4)
    plain = only(statistics(weekly), statistics([0.5], first=28), by_weekday=False)
    assert plain.expected == pytest.approx(weekly.mean())
    assert plain.p_value > only(statistics(weekly), statistics([0.5], first=28), by_weekday=True).p_value


def test_weekday_that_the_reference_has_once_is_not_told_apart():
    weekly = np.random.default_rng(3).normal(0, 0.01, 13) + np.tile(WEEKLY, 2)[:13]
    assert only(statistics(weekly), statistics([0.5], first=13), by_weekday=True).expected == pytest.approx(
        weekly.mean()
    )
    assert only(statistics(weekly), statistics([0.5], first=14), by_weekday=True).expected != pytest.approx(
        weekly.mean()
    )


def test_window_of_several_days_is_weighted_by_rows():
    window = statistics([0.0, 1.0])
    heavy = DayStatistics(
        window.names, window.values, window.natural, window.distance, np.array([3e9, 1e9]), window.row_variance,
        window.days, [False],
    )  # fmt: skip
    assert only(statistics(np.zeros(20)), heavy).current == pytest.approx(0.25)


def test_window_with_fewer_rows_than_the_reference_is_allowed_their_sampling_variance():
    values = np.random.default_rng(4).normal(0, 0.01, 28)
    many, few = (only(statistics(values), statistics([0.05], rows=rows)).p_value for rows in (1e9, 400))
    assert few > 0.2 > many


def test_row_variance_is_a_floor():
    """Reference days that happen to agree better than sampling can are no reason to alarm."""
    difference = only(statistics(np.zeros(28) + 1e-5 * np.arange(28), rows=100), statistics([0.15], rows=100))
    assert difference.p_value == pytest.approx(2 * stats.t.sf(1.5, 27), rel=0.02)


@pytest.mark.parametrize("by_weekday", [False, True], ids=["plain", "weekdays"])
@pytest.mark.parametrize("rows", [100, 1000], ids=lambda n: f"n={n}")
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.1], ids=lambda sd: f"day-{sd}")
def test_ordinary_windows_have_small_p_values_no_more_often_than_stated(rows, effect, by_weekday):
    """300 repetitions a cell; the limit is three standard errors above 5 %."""
    generator, repetitions, below = np.random.default_rng(7), 300, 0
    for _ in range(repetitions):
        days = numeric_days(generator, 29, rows, effect=effect, weekly=WEEKLY if by_weekday else (0,) * 7)
        below += reported(days[:28], days[28:], by_weekday=by_weekday).p_value < 0.05
    assert below / repetitions <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def test_shift_hidden_by_the_weekdays_is_significant_by_weekday_alone():
    generator, significant = np.random.default_rng(8), {True: 0, False: 0}
    for _ in range(30):
        reference = numeric_days(generator, 28, 1000, weekly=WEEKLY)
        window = numeric_days(generator, 1, 1000, first=28, shift=0.3, weekly=WEEKLY)
        for by_weekday in significant:
            significant[by_weekday] += reported(reference, window, by_weekday=by_weekday).p_value < 0.01
    assert significant[True] >= 28
    assert significant[False] <= 10


def test_larger_shift_gives_smaller_p_and_larger_effect():
    generator = np.random.default_rng(5)
    reference = numeric_days(generator, 28, 500, effect=0.1)
    windows = [numeric_days(np.random.default_rng(9), 1, 500, shift=shift) for shift in (0, 0.3, 0.6, 1.2)]
    by_shift = [reported(reference, window) for window in windows]
    p_values, effects = [each.p_value for each in by_shift], [each.effect for each in by_shift]
    assert p_values[1:] == sorted(p_values[1:], reverse=True)
    assert effects == sorted(effects)


def test_order_of_the_reference_days_does_not_matter():
    generator = np.random.default_rng(6)
    days = numeric_days(generator, 29, 200, effect=0.1, weekly=WEEKLY)
    forward = reported(days[:28], days[28:], by_weekday=True)
    backward = reported(days[27::-1], days[28:], by_weekday=True)
    assert backward.p_value == pytest.approx(forward.p_value)


def test_unseen_category_is_named_with_its_share():
    reference = [categorical_profile(["a"] * 60 + ["b"] * 40, number=number) for number in range(14)]
    best = reported(reference, [categorical_profile(["a"] * 60 + ["z"] * 40, number=14)], floor=0.05)
    assert best.statistic in {"unseen", "b"}
    assert best.effect == pytest.approx(0.4)
    assert best.p_value < 1e-6


def test_many_small_changes_of_categories_add_up_to_an_effect():
    names = [f"n{number:02d}" for number in range(50)]
    reference = [categorical_profile(names * 40, number=number) for number in range(14)]
    best = reported(reference, [categorical_profile(names[:25] * 80, number=14)], floor=0.05)
    assert best.effect == pytest.approx(0.5)
    assert best.p_value < 1e-3


def test_statistic_that_never_varies_does_not_cost_the_others():
    reference = numeric_days(np.random.default_rng(1), 28, 300, effect=0.1)
    window = numeric_days(np.random.default_rng(2), 1, 300, first=28, shift=0.3)
    of_values = differences(value_statistics(reference), value_statistics(reference, window), by_weekday=False)
    constant = differences(missing_statistics(reference), missing_statistics(window), by_weekday=False)
    assert not constant[0].varies
    assert most_significant([*constant, *of_values], Drift()) == most_significant(of_values, Drift())


def test_effect_that_matters_goes_before_a_smaller_p_value_that_does_not():
    tiny, large = Difference("spread", 0, 0.01, 0.01, 1e-9, True), Difference("location", 0, 0.2, 0.2, 0.001, True)
    for min_effect, expected, p_value in ((0.05, large, 0.001 * 4 / 3), (0.0, tiny, 4e-9)):
        best = most_significant([tiny, large], Drift(min_effect=min_effect))
        assert best.p_value == pytest.approx(p_value)
        assert replace(best, p_value=expected.p_value) == expected


def test_weighted_p_values_hold_the_level_and_favour_the_location():
    """The union bound of the weights, and a simulation of 20,000 columns of three independent statistics."""
    drawn = np.random.default_rng(0).random((20_000, 3))
    names = ("location", "spread", "shape")
    columns = [[Difference(name, 0, 1, 1, p, True) for name, p in zip(names, row, strict=True)] for row in drawn]
    best = [most_significant(column, Drift(min_effect=0)) for column in columns]
    p_values = np.array([each.p_value for each in best])
    for level in (0.01, 0.05, 0.2):
        assert np.mean(p_values <= level) <= level + 3 * np.sqrt(level * (1 - level) / 20_000)
    small = [each.statistic for each in best if each.p_value <= 0.2]
    assert small.count("location") > 2 * small.count("shape") > 0


@pytest.mark.parametrize(
    "days",
    [
        pytest.param([numeric_profile(np.ones(50), [-np.inf, 1.0, np.nextafter(1, 2), np.inf])] * 11, id="constant"),
        pytest.param([categorical_profile(["a"] * 50)] * 11, id="one-category"),
        pytest.param([numeric_profile(np.ones(1), [-np.inf, np.inf])] * 11, id="one-row"),
    ],
)
def test_column_that_stays_as_it_is_has_p_one(days):
    days = [replace(one, day=(MONDAY + timedelta(days=number)).isoformat()) for number, one in enumerate(days)]
    best = reported(days[:-1], days[-1:])
    assert best.p_value == 1
    assert not best.varies
    assert best.effect == 0


def test_missing_share_that_appears_is_significant():
    days = [categorical_profile(["a"] * 110, number=number) for number in range(14)]
    window = [categorical_profile(["a"] * 60 + [None] * 40, number=14)]
    (difference,) = differences(missing_statistics(days), missing_statistics(window), by_weekday=True)
    assert difference.effect == pytest.approx(0.4)
    assert difference.p_value < 1e-6


def test_move_of_common_categories_is_no_effect_of_rare_ones():
    """Rare categories rise from 0.8 to 1.4 %, while a common one loses four points: neither reaches its own floor."""
    days = [categorical_profile(["a"] * 520 + ["b"] * 472 + ["r", "s"] * 4, number=number) for number in range(14)]
    today = categorical_profile(["a"] * 480 + ["b"] * 506 + ["r", "s"] * 7, number=14)
    found = {
        each.statistic: each
        for each in differences(value_statistics(days), value_statistics(days, [today]), by_weekday=False)
    }
    assert found["rare"].effect == pytest.approx(0.006, abs=1e-6)
    assert found["a"].effect == pytest.approx(0.04, abs=1e-6)
