"""Columns and segments judged together: false discoveries, floors, and what is left unjudged."""

import numpy as np
import pytest

from include.foundation.config.data_sections import Drift
from include.stages.drift.comparing.column_findings import FEWEST_REFERENCE_DAYS, judge_columns
from tests.include.stages.drift.drift_builders import categorical_profile, numeric_days, numeric_profile

REPETITIONS = 60


def keyed(days, columns, segment=""):
    return {(segment, column): days(column) for column in columns}


def window_and_reference(generator, moved, *, columns=20, rows=500, effect=0.1, segment=""):
    """Return profiles of one window and 28 reference days; the first five columns are moved by ``moved`` in the window."""
    window, reference = {}, {}
    for number in range(columns):
        days = numeric_days(generator, 28, rows, effect=effect)
        shift = generator.normal(moved if number < 5 else 0, effect)
        window[segment, f"x{number}"] = numeric_days(generator, 1, rows, first=28, shift=shift)
        reference[segment, f"x{number}"] = days
    return window, reference


def test_ordinary_windows_are_flagged_in_at_most_the_rate_stated():
    generator, flagged = np.random.default_rng(0), 0
    for _ in range(REPETITIONS):
        flagged += judge_columns(Drift(), *window_and_reference(generator, 0.0))[0].flagged
    assert flagged <= 0.05 * REPETITIONS + 3 * np.sqrt(0.05 * 0.95 * REPETITIONS)


def test_shift_of_three_day_effects_is_flagged_in_the_columns_that_moved():
    generator, found, wrong = np.random.default_rng(1), 0, 0
    for _ in range(20):
        flagged = [one.column for one in judge_columns(Drift(), *window_and_reference(generator, 0.5)) if one.flagged]
        found += len(set(flagged) & {"x0", "x1", "x2", "x3", "x4"})
        wrong += len(set(flagged) - {"x0", "x1", "x2", "x3", "x4"})
    assert found >= 85
    assert wrong <= 0.1 * found


def test_shift_of_one_segment_is_found_there_and_segments_do_not_hide_a_shift_of_all_rows():
    generator = np.random.default_rng(2)
    window, reference = window_and_reference(generator, 0.6)
    for number in range(30):
        more = window_and_reference(generator, 0.8 if number == 3 else 0.0, segment=f"desk={number}")
        window, reference = window | more[0], reference | more[1]
    flagged = {(one.segment, one.column) for one in judge_columns(Drift(), window, reference) if one.flagged}
    assert {("", f"x{number}") for number in range(5)} <= flagged
    assert len([one for one in flagged if one[0] == "desk=3"]) >= 4
    assert len(flagged) <= 12


@pytest.mark.parametrize(("shift", "scale", "statistic"), [(0.3, 1, "location"), (0, 1.4, "spread")])
def test_column_that_has_left_its_bins_for_good_is_still_watched(shift, scale, statistic):
    generator, found = np.random.default_rng(5), []
    for _ in range(20):
        reference = {("", "x"): numeric_days(generator, 28, 500, effect=0.05, shift=50)}
        drawn = generator.normal(50 + shift, scale, 500)
        (finding,) = judge_columns(Drift(), {("", "x"): [numeric_profile(drawn, number=28)]}, reference)
        found.append(finding.statistic if finding.flagged else None)
    assert found.count(statistic) >= 19


def test_ordinary_windows_of_columns_that_have_left_their_bins_are_flagged_in_at_most_the_rate_stated():
    generator, flagged = np.random.default_rng(6), 0
    for _ in range(REPETITIONS):
        columns = [f"x{number}" for number in range(5)]
        reference = keyed(lambda _: numeric_days(generator, 28, 300, effect=0.1, shift=50), columns)
        window = keyed(lambda _: numeric_days(generator, 1, 300, effect=0.1, shift=50, first=28), columns)
        flagged += judge_columns(Drift(), window, reference)[0].flagged
    assert flagged <= 0.05 * REPETITIONS + 3 * np.sqrt(0.05 * 0.95 * REPETITIONS)


def test_effect_below_the_floor_is_not_flagged_however_significant():
    generator = np.random.default_rng(3)
    found = judge_columns(Drift(), *window_and_reference(generator, 0.05, rows=50_000, effect=0.001, columns=6))
    assert found[0].p_value < 1e-6
    assert not any(one.flagged for one in found)
    found = judge_columns(Drift(min_effect=0.02), *window_and_reference(np.random.default_rng(3), 0.05, rows=50_000, effect=0.001, columns=6))  # fmt: skip  # noqa: E501
    assert sum(one.flagged for one in found) == 5


def test_findings_are_flagged_first_then_by_effect_and_say_what_differs():
    found = judge_columns(Drift(), *window_and_reference(np.random.default_rng(4), 0.6))
    assert [one.flagged for one in found] == sorted((one.flagged for one in found), reverse=True)
    ordinary = [one.effect for one in found if not one.flagged]
    assert ordinary == sorted(ordinary, reverse=True)
    assert "location differs from ordinary days" in found[0].sentence
    assert found[0].rows == 500


def test_segment_below_min_rows_and_column_without_enough_days_are_left_out():
    generator = np.random.default_rng(5)
    days = numeric_days(generator, 20, 60)
    window = {("", "x"): days[:1], ("desk=eu", "x"): [numeric_profile(np.ones(49))], ("", "new"): days[:1]}
    reference = {("", "x"): days, ("desk=eu", "x"): days, ("", "new"): days[: FEWEST_REFERENCE_DAYS - 1]}
    assert [(one.segment, one.column) for one in judge_columns(Drift(), window, reference)] == [("", "x")]


def test_column_that_goes_missing_is_flagged_as_missing():
    generator = np.random.default_rng(6)
    days = numeric_days(generator, 20, 100)
    gone = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=20)]
    (found,) = judge_columns(Drift(), {("", "x"): gone}, {("", "x"): days})
    assert (found.statistic, found.effect, found.flagged) == ("missing", 1, True)


def test_column_that_was_always_missing_and_still_is_says_nothing():
    nothing = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=number) for number in range(20)]
    (found,) = judge_columns(Drift(), {("", "x"): nothing[:1]}, {("", "x"): nothing})
    assert (found.p_value, found.effect, found.flagged) == (1, pytest.approx(0), False)


def test_column_that_comes_to_life_is_flagged():
    nothing = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=number) for number in range(20)]
    (found,) = judge_columns(Drift(), {("", "x"): [numeric_profile(np.ones(100))]}, {("", "x"): nothing})
    assert (found.statistic, found.flagged) == ("missing", True)


def test_monitors_are_those_of_the_columns():
    days = [categorical_profile(["a"] * 50 + ["b"] * 50, number=number) for number in range(20)]
    found = judge_columns(Drift(), {("", "predicted"): days[:1]}, {("", "predicted"): days})
    assert found[0].monitor == "prediction"


@pytest.mark.parametrize("window", [{}, {("", "x"): []}], ids=["nothing", "no-day"])
def test_nothing_to_judge_gives_no_finding(window):
    assert judge_columns(Drift(), window, {}) == []
