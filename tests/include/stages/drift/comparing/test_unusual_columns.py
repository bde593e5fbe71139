"""Which columns are flagged beside others whose ordinary days were far out."""

import pytest

from include.foundation.config.data_sections import Drift
from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ColumnFinding
from include.stages.drift.comparing.differences import Difference
from include.stages.drift.comparing.unusual_columns import clear_changes, lacking, unusual, unusual_in_windows

FAR_OUT = Difference("location", 0.0, 0.0, 0.0, p_value=1.0, varies=True, rarest=1e-60)


@pytest.mark.parametrize(
    ("p_value", "varied", "is_flagged"),
    [(1e-7, False, True), (1e-7, True, False), (1e-4, False, False), (1e-41, True, True)],
)
def test_far_day_of_another_column_hides_no_change_where_days_were_all_alike(p_value, varied, is_flagged):
    missing = Difference("missing", 0.0, 0.5, 0.5, p_value, varies=True, is_rare=True, varied=varied)
    flagged = unusual(Drift(), {("", "x"): missing, ("", "y"): FAR_OUT}, 1.0)
    assert flagged == ({("", "x")} if is_flagged else set())
    assert unusual(Drift(), {("", "x"): missing}, 1.0) == {("", "x")}


def one(p_value, rarest=0.5):
    return Difference("location", 0.0, 0.5, 0.5, p_value, varies=True, rarest=rarest)


@pytest.mark.parametrize(
    ("p_value", "is_flagged", "is_lasting"), [(0.03, False, False), (0.02, True, False), (0.004, True, True)]
)
def test_alarm_asks_for_more_than_a_flag_in_the_windows_taken_together(p_value, is_flagged, is_lasting):
    """Of a rate of 0.05, five eighths are for columns, seven tenths of that for windows together, a fifth of that to alarm."""
    flags = unusual_in_windows(Drift(), {("", "x"): one(0.9)}, {("", "x"): one(p_value)})
    assert (flags.alone, bool(flags.together), bool(flags.lasting)) == (set(), is_flagged, is_lasting)


def test_all_columns_jointly_may_alarm_as_soon_as_they_flag():
    reported = {("", "x"): one(0.9), ("", ALL_COLUMNS): one(0.009)}
    flags = unusual_in_windows(Drift(), {("", "x"): one(0.9)}, reported)
    assert flags.together == flags.lasting == {("", ALL_COLUMNS)}


def test_window_alone_is_flagged_if_it_is_ten_times_as_unusual_as_any_reference_day_or_nothing_is_known_beside_it():
    near, ordinary = {("", "x"): one(1e-4, rarest=5e-4)}, {("", "x"): one(0.9)}
    assert unusual_in_windows(Drift(), near, ordinary).alone == set()
    assert unusual_in_windows(Drift(), {("", "x"): one(1e-5, rarest=5e-4)}, ordinary).alone == {("", "x")}
    assert unusual_in_windows(Drift(), near, {}).alone == {("", "x")}


def test_days_that_are_further_out_in_columns_judged_elsewhere_count():
    far = {("", "x"): one(1e-6)}
    assert unusual_in_windows(Drift(), far, far).together == {("", "x")}
    flags = unusual_in_windows(Drift(), far, far, rarest=(1e-9, 1e-9))
    assert (flags.alone, flags.together) == (set(), set())


def test_column_that_is_far_out_on_both_sides_has_not_changed_twice_alike():
    def changes(found, p_value=1e-9):
        finding = ColumnFinding(
            monitor="data", column="x", segment="", statistic="location", effect=0.3, p_value=p_value, flagged=True,
            expected=0.0, found=found, rows=100, sentence="…",
        )  # fmt: skip
        return clear_changes([finding])

    assert changes(0.3) & changes(0.4)
    assert not changes(0.3) & changes(-0.3)
    assert not changes(0.3, p_value=1e-3)


LARGE, BOTH = (
    "large enough to matter, but not significant",
    "large enough to matter and significant, but some ordinary day",
)


@pytest.mark.parametrize(("effect", "p_value", "rarest", "words"), [
    (0.5, 0.5, 0.9, f"1 {LARGE}"), (0.01, 1e-9, 0.9, "1 significant, but too small to matter"),
    (0.5, 1e-9, 1e-12, f"1 {BOTH} is about as unusual"), (0.01, 0.5, 0.9, ""),
])  # fmt: skip
def test_what_a_column_lacks_to_be_flagged_is_said(effect, p_value, rarest, words):
    near = Difference("location", 0.0, effect, effect, p_value, varies=True, rarest=rarest)
    quiet = Difference("location", 0.0, 0.0, 0.0, 0.9, varies=True, rarest=0.9)
    assert unusual(Drift(), {("", "x"): near}, 1.0) == set()
    assert lacking(Drift(), {("", "x"): near, ("", "y"): quiet}, {}) == words
    assert lacking(Drift(), {("", "x"): quiet}, {("", "x"): near}) == words


def test_columns_that_lack_different_things_are_counted_apart():
    small = Difference("location", 0.0, 0.01, 0.01, 1e-9, varies=True)
    reported = {("", "x"): one(0.5), ("", "y"): one(0.6), ("desk=eu", "x"): small}
    assert lacking(Drift(), reported, {}) == f"2 {LARGE}, 1 significant, but too small to matter"
