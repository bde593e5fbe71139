"""The charts of a verdict: one a column, bars that add up, labels that a person can read."""

import numpy as np
import pytest

from include.foundation.decisions.drift_verdict import ALL_COLUMNS
from include.stages.drift.page.drift_charts import (
    CHARTS,
    MOST_BARS,
    _bars,
    _one_a_column,
    _range,
    _rounded,
    drift_charts,
)
from tests.decision_builders import make_column_finding
from tests.include.stages.drift.drift_builders import categorical_profile, numeric_profile


def finding(column, segment="", *, flagged=True):
    return make_column_finding(column, segment=segment, effect=0.2, flagged=flagged)


def test_each_flagged_column_is_drawn_once_preferably_of_all_rows():
    findings = [
        finding("x", "desk=eu"),
        finding("y", "desk=eu"),
        finding("x"),
        finding("x", "desk=us"),
        finding("z", flagged=False),
    ]
    assert [(one.column, one.segment) for one in _one_a_column(findings)] == [("x", ""), ("y", "desk=eu")]
    assert len(_one_a_column([finding(f"c{number}") for number in range(9)])) == 6
    assert [one.column for one in _one_a_column(findings[-1:])] == ["z"]
    assert [one.column for one in _one_a_column([finding(ALL_COLUMNS), *findings[-1:]])] == ["z"]


def test_bins_are_few_and_their_shares_add_up_with_what_is_missing():
    generator = np.random.default_rng(0)
    values = np.where(np.arange(500) % 10, generator.normal(1, 1, 500), np.nan)
    labels, first, second = _bars(numeric_profile(generator.normal(size=500)), numeric_profile(values))
    assert len(labels) == MOST_BARS + 1
    assert labels[-1] == "missing"
    assert (first.sum(), second.sum()) == pytest.approx((1, 1))
    assert second[-1] == pytest.approx(0.1)
    assert second[-2] > first[-2]


def test_category_that_is_new_is_among_the_largest_and_the_rest_are_together():
    before, now = [f"c{number}" for number in range(40)], ["new"] * 20 + [f"c{number}" for number in range(20)]
    labels, first, second = _bars(categorical_profile(before), categorical_profile(now))
    assert labels[0] == "new"
    assert labels[-1] == "others"
    assert len(labels) == MOST_BARS + 1
    assert (first.sum(), second.sum()) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("low", "high", "label"),
    [
        (-np.inf, np.inf, "all"), (-np.inf, 0.5, "below 0.5"), (1640.2, np.inf, "from 1,640"), (0.25, 0.75, "0.25 to 0.75"),
        (0.0, np.nextafter(0, 1), "0"), (np.nextafter(0, 1), np.inf, "above 0"), (3.0, np.nextafter(3, 4), "3"),
    ],
)  # fmt: skip
def test_label_of_a_bin_is_a_range_or_the_number_it_holds(low, high, label):
    assert _range(low, high) == label


@pytest.mark.parametrize(("number", "text"), [(1643.7, "1,640"), (-0.01234, "-0.0123"), (2.5e8, "2.5e+08"), (0.0, "0")])
def test_numbers_are_rounded_to_three_digits(number, text):
    assert _rounded(number) == text


def test_each_flagged_column_has_a_chart_with_bars_side_by_side_and_their_table():
    findings = [finding("x"), finding("c", "desk=eu"), finding("empty"), finding("calm", flagged=False)]
    before = {
        ("", "x"): [numeric_profile(np.arange(50.0)), numeric_profile(np.arange(50.0))],
        ("desk=eu", "c"): [categorical_profile("aaab")],
        ("", "empty"): [numeric_profile(np.full(4, np.nan))],
    }
    now = {
        ("", "x"): [numeric_profile(np.arange(50.0) + 1)],
        ("desk=eu", "c"): [categorical_profile(["a", "b", "b", None])],
        ("", "empty"): [numeric_profile(np.arange(4.0))],
    }
    numbers, categories, empty = drift_charts(findings, now, before)
    assert [name.text for name in categories.across] == ["a", "b", "missing"]
    assert categories.rows == (("a", "75.0%", "25.0%"), ("b", "25.0%", "50.0%"), ("missing", "0.0%", "25.0%"))
    full = categories.floor - 16
    assert [bar.height / full for bar in categories.bars] == pytest.approx([1, 1 / 3, 1 / 3, 2 / 3, 0, 1 / 3], abs=0.01)
    ordinary, window = categories.bars[::2], categories.bars[1::2]
    assert all(
        one.x + one.width == pytest.approx(other.x, abs=0.2) for one, other in zip(ordinary, window, strict=True)
    )
    assert {bar.tone for bar in ordinary} == {"reference"}
    assert {bar.tone for bar in window} == {"flagged"}
    assert categories.key == (("reference", "ordinary days"), ("flagged", "this window"))
    titles = [chart.title.partition(", ")[2] for chart in (numbers, categories, empty)]
    assert titles == ["all rows: mean 25.5, ordinarily 24.5", "desk=eu", "all rows"]
    (calm,) = drift_charts(findings[-1:], {("", "calm"): now["", "x"]}, {("", "calm"): now["", "x"]})
    assert calm.bars[1].tone == "current"


@pytest.mark.parametrize(("longest", "shown"), [(52, "x" * 52), (53, "x" * 51 + "…")])
def test_long_names_are_cut_only_where_they_are_too_long(longest, shown):
    name = "x" * longest
    profiles = {("", name): [categorical_profile(["y" * 16, "z" * 17])]}
    (chart,) = drift_charts([finding(name)], profiles, profiles)
    assert chart.title == f"{shown}, all rows"
    assert [name.text for name in chart.across] == ["y" * 16, "z" * 15 + "…"]


def test_exactly_eight_categories_are_all_named():
    profile = categorical_profile("abcdefgh")
    assert _bars(profile, profile)[0] == list("abcdefgh")


def test_charts_of_any_name_are_read_again_as_they_were_written():
    name, segment = "input_$x^{$:words", "desk=" + "<b>$long$</b> " * 9
    one = {(segment, name): [numeric_profile(np.arange(50.0), column=name)]}
    other = {(segment, name): [numeric_profile(np.full(50, np.nan), column=name)]}
    charts = drift_charts([finding(name, segment)], one, other)
    assert CHARTS.validate_json(CHARTS.dump_json(charts)) == charts
