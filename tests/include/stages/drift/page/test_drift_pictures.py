"""The picture of a verdict: one panel a column, bars that add up, labels that a person can read."""

import numpy as np
import pytest

from include.stages.drift.page.drift_pictures import MOST_BARS, _bars, _one_a_column, _range, _rounded, draw_verdict
from tests.builders import day
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


def test_picture_is_drawn_of_any_name_and_the_same_again():
    name, segment = "input_$x^{$:words", "desk=" + "<b>$long$</b> " * 9
    one = {(segment, name): [numeric_profile(np.arange(50.0), column=name)]}
    other = {(segment, name): [numeric_profile(np.full(50, np.nan), column=name)]}
    drawn = [draw_verdict(day(), [finding(name, segment)], one, other) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG")
