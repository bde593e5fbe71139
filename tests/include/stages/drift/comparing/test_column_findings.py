"""Columns and segments judged together: false discoveries, floors, and what is not judged."""

from dataclasses import replace

import numpy as np
import pytest

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions.drift_verdict import ALL_COLUMNS
from include.stages.drift.comparing.column_findings import monitor_of
from include.stages.drift.comparing.differences import Difference
from include.stages.drift.comparing.unusual_columns import unusual
from include.stages.drift.profiling.binning import bin_edges
from tests.include.stages.drift.drift_builders import categorical_profile, judge_columns, numeric_days, numeric_profile

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
    generator, moved, unmoved = np.random.default_rng(1), 0, 0
    for _ in range(20):
        findings = judge_columns(Drift(), *window_and_reference(generator, 0.5))
        flagged = {finding.column for finding in findings if finding.flagged and finding.column != ALL_COLUMNS}
        moved += len(flagged & {"x0", "x1", "x2", "x3", "x4"})
        unmoved += len(flagged - {"x0", "x1", "x2", "x3", "x4"})
    assert moved >= 85
    assert unmoved <= 0.1 * moved


def test_shift_of_one_segment_is_found_there_and_segments_do_not_hide_a_shift_of_all_rows():
    generator = np.random.default_rng(2)
    window, reference = window_and_reference(generator, 0.6)
    for number in range(30):
        desk = window_and_reference(generator, 0.8 if number == 3 else 0.0, segment=f"desk={number}")
        window, reference = window | desk[0], reference | desk[1]
    findings = judge_columns(Drift(), window, reference)
    flagged = {(finding.segment, finding.column) for finding in findings if finding.flagged}
    assert {("", f"x{number}") for number in range(5)} <= flagged
    assert sum(segment == "desk=3" for segment, _ in flagged) >= 4
    assert len(flagged) <= 12


def three_windows(generator, keys, moved, *, rows, shift):
    """Return window, reference and the two days before, by key; the moved keys are so for these three days."""
    window, reference, before = {}, {}, {}
    for key in keys:
        days = numeric_days(generator, 28, rows, effect=0.05)
        last = numeric_days(generator, 3, rows, effect=0.05, first=33, shift=shift if key in moved else 0.0)
        days, last = ([replace(day, segment=key[0]) for day in part] for part in (days, last))
        reference[key], before[key], window[key] = days, last[:2], last[2:]
    return window, reference, before


def test_small_moves_of_all_columns_are_found_jointly_where_most_are_not_found_by_themselves():
    generator, keys = np.random.default_rng(20), [("", f"x{number}") for number in range(10)]
    found, single, unmoved = 0, 0, 0
    for _ in range(12):
        for shift in (0.1, 0.0):
            window, reference, before = three_windows(generator, keys, keys, rows=1000, shift=shift)
            findings = judge_columns(Drift(), window, reference, before=before)
            joint = next(one for one in findings if one.column == ALL_COLUMNS)
            found += joint.flagged and shift > 0
            unmoved += joint.flagged and shift == 0
            single += sum(one.flagged for one in findings) - joint.flagged
    assert (found, unmoved) >= (10, 0)
    assert single < 12 * len(keys) / 2
    assert joint.rows == 1000


def test_lasting_change_of_one_column_in_one_small_segment_stands_out_among_many():
    generator, found = np.random.default_rng(21), 0
    keys = [(f"desk={number % 10}", f"x{number}") for number in range(100)]
    for _ in range(8):
        window, reference, before = three_windows(generator, keys, keys[:1], rows=100, shift=0.6)
        findings = judge_columns(Drift(), window, reference, before=before)
        flagged = [one for one in findings if one.flagged]
        found += [(one.segment, one.column) for one in flagged] == keys[:1] and flagged[0].lasting
    assert found >= 6


@pytest.mark.parametrize(("shift", "scale", "statistic"), [(0.4, 1, "location"), (0, 1.4, "spread")])
def test_column_that_has_left_its_bins_for_good_is_still_watched(shift, scale, statistic):
    generator, flagged = np.random.default_rng(5), []
    for _ in range(20):
        reference = {("", "x"): numeric_days(generator, 28, 500, effect=0.05, shift=50)}
        drawn = generator.normal(50 + shift, scale, 500)
        (finding,) = judge_columns(Drift(), {("", "x"): [numeric_profile(drawn, number=28)]}, reference)
        flagged.append(finding.statistic if finding.flagged else None)
    assert flagged.count(statistic) >= 19


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
    days = window_and_reference(generator, 0.05, rows=50_000, effect=0.001, columns=6)
    findings = judge_columns(Drift(), *days)
    assert findings[0].p_value < 1e-6
    assert not any(finding.flagged for finding in findings)
    flagged = [finding.column for finding in judge_columns(Drift(min_effect=0.02), *days) if finding.flagged]
    assert sorted(flagged) == [ALL_COLUMNS, *(f"x{number}" for number in range(5))]


@pytest.mark.parametrize(
    ("name", "ordinary", "now"), [("missing", 0.01, 0.05), ("unseen", 0.0, 0.03), ("rare", 0.005, 0.04)]
)
def test_few_values_that_become_more_are_flagged_by_a_floor_of_their_own(name, ordinary, now):
    """Of a thousand rows a day; the floor of all other effects, which is larger than any of these changes, hides them."""
    generator, values = np.random.default_rng(9), {"missing": None, "unseen": "new", "rare": "seldom"}

    def day(number, share):
        few = round(1000 * generator.normal(share, share / 10))
        return categorical_profile(["a"] * 500 + ["b"] * (500 - few) + [values[name]] * few, number=number)

    reference = {("", "c"): [day(number, ordinary) for number in range(28)]}
    window = {("", "c"): [day(28, now)]}
    ((found,), (hidden,)) = (
        judge_columns(drift, window, reference) for drift in (Drift(), Drift(min_rare_effect=0.05))
    )
    assert (found.flagged, found.statistic) == (True, name)
    assert not hidden.flagged


def test_noise_of_a_day_with_few_rows_is_no_effect():
    generator, names = np.random.default_rng(10), [f"n{number}" for number in range(30)]
    reference = {("", "c"): [categorical_profile(generator.choice(names, 5000), number=number) for number in range(28)]}
    effects = [
        judge_columns(Drift(), {("", "c"): [categorical_profile(generator.choice(names, 60), number=28)]}, reference)[
            0
        ].effect
        for _ in range(20)
    ]
    assert np.mean(effects) < 0.1  # by chance alone, more than a quarter of the rows would have to change


def test_findings_are_flagged_first_then_by_effect_and_say_what_differs():
    findings = judge_columns(Drift(), *window_and_reference(np.random.default_rng(4), 0.6))
    flags = [finding.flagged for finding in findings]
    assert flags == sorted(flags, reverse=True)
    ordinary = [finding.effect for finding in findings if not finding.flagged]
    assert ordinary == sorted(ordinary, reverse=True)
    assert "location differs from ordinary days" in findings[0].sentence
    assert findings[0].rows == 500


def test_segment_below_min_rows_and_column_without_enough_days_are_left_out():
    generator = np.random.default_rng(5)
    days = numeric_days(generator, 20, 60)
    window = {("", "x"): days[:1], ("desk=eu", "x"): [numeric_profile(np.ones(49))], ("", "new"): days[:1]}
    reference = {("", "x"): days, ("desk=eu", "x"): days, ("", "new"): days[: FEWEST_REFERENCE_DAYS - 1]}
    assert [(each.segment, each.column) for each in judge_columns(Drift(), window, reference)] == [("", "x")]


def test_column_that_is_not_logged_any_more_is_flagged_as_that():
    generator = np.random.default_rng(6)
    days = numeric_days(generator, 20, 100)
    gone = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=20)]
    (finding,) = judge_columns(Drift(), {("", "x"): gone}, {("", "x"): days})
    assert (finding.statistic, finding.effect, finding.flagged) == ("not_logged", 1, True)


def test_column_that_was_always_missing_and_still_is_is_no_evidence():
    nothing = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=number) for number in range(20)]
    (finding,) = judge_columns(Drift(), {("", "x"): nothing[:1]}, {("", "x"): nothing})
    assert (finding.p_value, finding.effect, finding.flagged) == (1, pytest.approx(0), False)
    assert finding.statistic == "missing"


def test_column_that_comes_to_life_is_told_and_not_flagged():
    nothing = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=number) for number in range(20)]
    (finding,) = judge_columns(Drift(), {("", "x"): [numeric_profile(np.ones(100))]}, {("", "x"): nothing})
    assert (finding.statistic, finding.flagged) == ("newly_logged", False)


def test_column_is_not_judged_by_days_before_it_was_logged():
    nothing = [numeric_profile(np.full(100, np.nan), [-np.inf, np.inf], number=number) for number in range(20)]
    days = numeric_days(np.random.default_rng(7), 9, 100, first=20)
    few, enough = (
        {("", "x"): [*nothing, *days[:count]]} for count in (FEWEST_REFERENCE_DAYS - 1, FEWEST_REFERENCE_DAYS)
    )
    assert judge_columns(Drift(), {("", "x"): days[-1:]}, few) == []
    (finding,) = judge_columns(Drift(), {("", "x"): days[-1:]}, enough)
    assert not finding.flagged


def test_days_with_hardly_a_value_are_left_out_where_others_are_enough():
    days = numeric_days(np.random.default_rng(8), 10, 300)
    smoke = numeric_profile(np.full(3, 1e6), [-np.inf, np.inf], number=30)
    with_it, without = (
        judge_columns(Drift(), {("", "x"): days[:1]}, {("", "x"): reference}) for reference in ([*days, smoke], days)
    )
    assert [finding.p_value for finding in with_it] == pytest.approx([finding.p_value for finding in without])


def test_monitors_are_those_of_the_columns():
    days = [categorical_profile(["a"] * 50 + ["b"] * 50, number=number) for number in range(20)]
    (finding,) = judge_columns(Drift(), {("", "predicted"): days[:1]}, {("", "predicted"): days})
    assert finding.monitor == "prediction"
    columns = ("predicted", "confidence", "input_text:words", "embedding:norm")
    assert [monitor_of(column) for column in columns] == ["prediction", "confidence", "data", "data"]


@pytest.mark.parametrize("window", [{}, {("", "x"): []}], ids=["nothing", "no-day"])
def test_nothing_to_judge_gives_no_finding(window):
    assert judge_columns(Drift(), window, {}) == []


@pytest.mark.parametrize("constant", [0.1, -1 / 3, 1e12 + 0.1])
def test_constant_that_is_logged_in_single_precision_has_not_moved_and_another_constant_has(constant):
    edges = bin_edges(np.full(50, constant))
    reference = [numeric_profile([constant] * 50, edges, number=number) for number in range(14)]

    def judged(value):
        window = [numeric_profile([value] * 50, edges, number=14)]
        return judge_columns(Drift(seasonality="none"), {("", "x"): window}, {("", "x"): reference})[0]

    assert not judged(np.float64(np.float32(constant))).flagged
    assert judged(constant * 1.001).flagged
    assert judged(constant * 1.001).sentence.endswith("p < 1e-300.")


def moved_days(generator, shift, *, columns=10, sd=0.05):
    """Return profiles of a window, of 28 reference days, and of two days before the window; the first column is moved."""
    sides = ({}, {}, {})
    for number in range(columns):
        moved = shift if number == 0 else 0.0
        for side, count, first, mean in ((0, 1, 36, moved), (1, 28, 0, 0.0), (2, 2, 34, moved)):
            days = [
                numeric_days(generator, 1, 1000, first=first + n, shift=generator.normal(mean, sd))[0]
                for n in range(count)
            ]
            sides[side]["", f"x{number}"] = days
    return sides


def test_small_shift_that_lasts_is_found_in_the_days_taken_together():
    """Of 0.2 sd in one column of ten, by 20 repetitions; alone, the day would show it in six of them."""
    generator, alone, together = np.random.default_rng(11), 0, 0
    for _ in range(20):
        current, reference, before = moved_days(generator, 0.2)
        alone += any(finding.flagged for finding in judge_columns(Drift(), current, reference))
        found = [one for one in judge_columns(Drift(), current, reference, before=before) if one.flagged]
        together += [one.column for one in found if one.lasting] == ["x0"]
    assert together >= 15 > alone


def test_single_far_day_is_flagged_and_does_not_last():
    current, reference, before = moved_days(np.random.default_rng(12), 0.6)
    _, _, plain = moved_days(np.random.default_rng(13), 0.0)
    for confirming, lasting in ((plain, False), (before, True)):
        finding = judge_columns(Drift(), current, reference, before=confirming)[0]
        assert (finding.column, finding.flagged, finding.lasting) == ("x0", True, lasting)


def test_window_is_flagged_only_if_no_reference_day_is_as_unusual_or_beyond_doubt():
    def difference(p_value, rarest):
        return Difference("location", 0.0, 0.5, 0.5, p_value, True, rarest=rarest)

    for p_value, rarest, flagged in ((1e-5, 0.01, True), (1e-5, 1e-6, False), (1e-41, 1e-43, True)):
        reported = {("", "x"): difference(p_value, 0.5), ("", "y"): difference(0.9, rarest)}
        assert unusual(Drift(), reported, 1.0) == ({("", "x")} if flagged else set())


@pytest.mark.parametrize(("odd", "rows", "count"), [("new", 40, 1), (None, 40, 1), (None, 5000, 60), ("a", 5000, 60)])
def test_odd_rows_on_one_ordinary_day_hide_no_change_of_another_column(odd, rows, count):
    """A value in one row of forty that no other day has, or more in many rows by too little to matter."""
    generator, plain = np.random.default_rng(21), ["a", "b"] * (rows // 2)
    numbers = [*numeric_days(generator, 28, rows, effect=0.1), *numeric_days(generator, 1, rows, first=28, shift=1.2)]
    mixed = [
        categorical_profile(plain if number != 5 else [odd] * count + plain[::-1][count:], number=number)
        for number in range(29)
    ]
    window, reference = ({("", "x"): numbers[part], ("", "c"): mixed[part]} for part in (slice(28, 29), slice(28)))
    flagged = {finding.column for finding in judge_columns(Drift(min_rows=30), window, reference) if finding.flagged}
    assert flagged == {"x"}


def test_slope_is_told_as_that_and_is_no_drift():
    generator, columns = np.random.default_rng(14), [f"x{number}" for number in range(5)]
    days = {name: numeric_days(generator, 35, 1000, effect=0.1, weekly=(0,) * 7) for name in columns}
    rising = [numeric_profile(generator.normal(0.02 * number + generator.normal(0, 0.1), 1, 1000), number=number)
              for number in range(35)]  # fmt: skip
    keys = {("", name): each for name, each in days.items()} | {("", "rising"): rising}
    found = judge_columns(
        Drift(), {key: each[34:] for key, each in keys.items()}, {key: each[:28] for key, each in keys.items()}
    )
    assert not any(finding.flagged for finding in found)
    assert [finding.column for finding in found if finding.per_day is not None] == ["rising"]
    (slope,) = [finding.per_day for finding in found if finding.per_day is not None]
    assert slope == pytest.approx(0.02 / np.sqrt(np.pi), rel=0.35)
