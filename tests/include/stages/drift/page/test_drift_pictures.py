"""The picture of a verdict: one panel a column, bars that add up, labels that a person can read."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from include.foundation.decisions.drift_verdict import ALL_COLUMNS
from include.foundation.pages import figures
from include.stages.drift.page.drift_pictures import MOST_BARS, _bars, _one_a_column, _range, _rounded, draw_verdict
from tests.builders import day
from tests.decision_builders import make_column_finding
from tests.drawn_figures import drawn, names
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


def test_picture_has_a_panel_for_each_flagged_column_with_bars_side_by_side(monkeypatch):
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
    figure = drawn(monkeypatch, draw_verdict, day(), findings, now, before)
    numbers, categories, empty, _ = figure.axes
    assert figure.get_suptitle() == f"{day().start:%d %B %Y}: 3 of 4 comparisons differ from ordinary days"
    assert figure.get_figheight() == pytest.approx(6.6)
    assert [axis.axison for axis in figure.axes] == [True, True, True, False]
    assert names(categories) == ["a", "b", "missing"]
    bars = [
        np.round(bar.get_path().get_extents(bar.get_patch_transform()).bounds, 9).tolist() for bar in categories.patches
    ]
    ordinary, window = bars[:3], bars[3:]
    assert ordinary == [[-0.4, 0, 0.4, 0.75], [0.6, 0, 0.4, 0.25], [1.6, 0, 0.4, 0]]
    assert window == [[0, 0, 0.4, 0.25], [1, 0, 0.4, 0.5], [2, 0, 0.4, 0.25]]
    colours = [to_hex(bar.get_facecolor()).upper() for bar in categories.patches[::3]]
    assert colours == [figures.REFERENCE, figures.FLAGGED]
    assert categories.get_legend_handles_labels()[1] == ["ordinary days", "this window"]
    assert categories.yaxis.get_major_formatter()(0.257) == "26%"
    titles = [axis.get_title(loc="left").splitlines()[1] for axis in (numbers, categories, empty)]
    assert titles == ["all rows: mean 25.5, ordinarily 24.5", "desk=eu", "all rows"]
    calm = drawn(
        monkeypatch, draw_verdict, day(), findings[-1:], {("", "calm"): now["", "x"]}, {("", "calm"): now["", "x"]}
    )
    assert to_hex(calm.axes[0].patches[-1].get_facecolor()).upper() == figures.CURRENT
    assert (len(calm.axes), calm.get_figheight()) == (2, 3.5)


@pytest.mark.parametrize(("longest", "shown"), [(52, "x" * 52), (53, "x" * 51 + "…")])
def test_long_names_are_cut_only_where_they_are_too_long(monkeypatch, longest, shown):
    name = "x" * longest
    profiles = {("", name): [categorical_profile(["y" * 16, "z" * 17])]}
    (axis, _) = drawn(monkeypatch, draw_verdict, day(), [finding(name)], profiles, profiles).axes
    assert axis.get_title(loc="left").splitlines()[0] == shown
    assert names(axis) == ["y" * 16, "z" * 15 + "…"]


def test_exactly_eight_categories_are_all_named():
    profile = categorical_profile("abcdefgh")
    assert _bars(profile, profile)[0] == list("abcdefgh")


def test_picture_is_drawn_of_any_name_and_the_same_again():
    name, segment = "input_$x^{$:words", "desk=" + "<b>$long$</b> " * 9
    one = {(segment, name): [numeric_profile(np.arange(50.0), column=name)]}
    other = {(segment, name): [numeric_profile(np.full(50, np.nan), column=name)]}
    drawn = [draw_verdict(day(), [finding(name, segment)], one, other) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(b"\x89PNG")
