"""Predictions and confidence are counted for each version apart, and a window is compared with days of its own version."""

import pytest

from include.stages.drift.profiling.versions import served_versions, window_version, with_one_version
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, categorical_profile, fill, stored_profiles


def served_by(*versions):
    """Return a change that lets so many versions take turns."""
    return {"model_version": lambda place: versions[place % len(versions)]}


@pytest.mark.parametrize(
    ("versions", "known"),
    [
        (["1"], ["1"]),
        (["2", "1", "2"], ["2", "1"]),
        (["1"] * 30 + ["2"], ["1"]),
        ([str(n) for n in range(100, 130)], ["100"]),
    ],
)
def test_versions_of_a_day_are_those_that_served_a_tenth_of_it_and_at_least_one(tmp_path, versions, known):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 1, **served_by(*versions))
    assert served_versions(store, day(0).days[0]) == known


def test_each_row_counts_for_its_own_version_and_inputs_for_all(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 1, rows=40, confidence=lambda place: 0.9 if place % 4 else 0.3, **served_by("1", "2", "2", "2"))
    profiles, _ = stored_profiles(store, day(0))
    rows = {key: days[0].rows for key, days in profiles.items()}
    assert (rows["", "confidence@1"], rows["", "predicted@2"], rows["", "input_text:words"]) == (10, 30, 40)
    assert rows["desk=eu", "confidence@1"] == 10
    assert profiles["", "confidence@1"][0].values.total == pytest.approx(3.0)
    assert profiles["", "confidence@2"][0].values.total == pytest.approx(27.0)


def test_window_is_read_with_days_of_the_version_that_served_most_of_it():
    def profiles(**rows):
        names = {"of_1": "predicted@1", "of_2": "predicted@2", "of_all": "predicted", "x": "x"}
        return {("", names[name]): [categorical_profile(["a"] * count)] for name, count in rows.items()}

    current, reference = profiles(of_1=3, of_2=5, x=8), profiles(of_1=9, of_2=7, of_all=16, x=16)
    assert window_version(current) == "2"
    read = with_one_version(current, reference)
    assert [{key[1]: days[0].rows for key, days in side.items()} for side in read] == [
        {"predicted": 5, "x": 8}, {"predicted": 7, "x": 16},
    ]  # fmt: skip


def test_days_that_an_earlier_version_of_the_loop_profiled_are_compared_with_each_other():
    both = {("", "predicted"): [categorical_profile(["a"])], ("", "predicted@2"): [categorical_profile(["a", "b"])]}
    current = {("", "predicted"): [categorical_profile(["a"])]}
    assert window_version(current) is None
    assert with_one_version(current, both) == [current, current]
