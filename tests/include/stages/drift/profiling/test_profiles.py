"""Days are profiled batch by batch, each row counted once, for all rows and for each segment value."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from include.foundation.digests import table_digest
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.stages.drift.profiling.binning import BINS
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.columns import source_columns
from include.stages.drift.profiling.day_counts import DayCounts
from include.stages.drift.profiling.merging import merged
from include.stages.drift.profiling.profile_basis import ProfileBasis, stored_basis
from include.stages.drift.profiling.profiles import groupings, profile_days
from tests.builders import day, make_loop, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill, records

INPUTS = {
    "text": {"type": "text"}, "age": {"type": "numeric"}, "plan": {"type": "categorical"},
    "pixels": {"type": "vector", "size": 3},
}  # fmt: skip
MIXED = {
    "input_age": lambda place: None if place % 7 == 0 else float(place),
    "input_plan": lambda place: ["free", "paid", None][place % 3],
    "input_pixels": lambda place: [float(place), 1.0, 0.0],
    "embedding": lambda place: [0.5, float(place % 5)],
}


def profiled(store, **values):
    """Return the stored profiles that have these values."""
    rows = store.read("profiles").to_pylist()
    return [row for row in rows if all(row[name] == value for name, value in values.items())]


def mixed_batch(loop, number, rows, seed=0):
    predictions = rows_of(loop, "predictions", records(number, rows, np.random.default_rng(seed), **MIXED))
    return predictions.select(source_columns(loop)).combine_chunks().to_batches()[0]


def test_every_kind_of_column_is_profiled(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 1, rows=42, **MIXED)
    columns = {row["column"]: row for row in profiled(store, segment="")}
    vector = ("mean", "norm", "projection1", "projection2", "projection3", "projection4")
    assert set(columns) == {
        "confidence@1", "predicted@1", "served@1", "segment_desk", "input_age", "input_plan", "input_text:characters",
        "input_text:words",
        "input_text:unknown_words@2026-03-10",
        *(f"{name}:{measure}" for name in ("embedding", "input_pixels") for measure in vector),
    }  # fmt: skip
    assert {row["rows"] for row in columns.values()} == {42}
    assert columns["input_age"]["nulls"] == 6
    assert columns["input_age"]["total"] == sum(place for place in range(42) if place % 7)
    assert dict(zip(columns["input_plan"]["categories"], columns["input_plan"]["counts"], strict=True)) == {
        "free": 14, "paid": 14,
    }  # fmt: skip
    assert columns["input_plan"]["nulls"] == 14


@pytest.mark.parametrize("size", [1, 7, 64])
def test_profile_of_batches_is_that_of_the_whole_day(tmp_path, size):
    loop = make_loop(tmp_path, inputs=INPUTS, drift=DRIFT)
    day_batch = mixed_batch(loop, 0, 64)
    basis, profiles = ProfileBasis({}, {}), []
    for step in (64, size):
        counts = DayCounts(loop, "2026-03-10", basis, [])
        for start in range(0, 64, step):
            counts.add(day_batch.slice(start, step))
        profiles.append([profile.to_row() for profile in counts.profiles()])
    for expected, row in zip(*profiles, strict=True):
        sums = {name: expected.pop(name, None) for name in ("total", "total_squared")}
        assert sums == pytest.approx({name: row.pop(name, None) for name in sums}, nan_ok=True)
        assert expected == row


def test_segments_add_up_to_all_rows_and_are_named(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 1, rows=41, **MIXED)
    assert {row["segment"] for row in profiled(store)} == {"", "desk=eu", "desk=us"}
    all_rows = profiled(store, segment="", column="input_age")[0]
    parts = profiled(store, segment="desk=eu", column="input_age") + profiled(
        store, segment="desk=us", column="input_age"
    )
    together = merged(map(Profile.from_row, parts)).to_row()
    for name in ("rows", "nulls", "counts", "total"):
        assert together[name] == all_rows[name]
    assert not profiled(store, segment="desk=eu", column="segment_desk")


def test_only_the_most_frequent_values_of_watched_segments_are_profiled(tmp_path):
    drift = {**DRIFT, "most_segment_values": 2, "segments": ["desk"]}
    store = make_store(tmp_path, drift=drift, segments=["desk", "device"])
    desks = ["a"] * 5 + ["b"] * 9 + ["c"] * 9 + [None] * 30
    fill(store, 0, 1, rows=53, segment_desk=lambda place: desks[place], segment_device="phone")
    (grouping,) = groupings(store, day(0).days[0])
    assert grouping.labels == ["desk=b", "desk=c"]
    assert {row["segment"]: row["rows"] for row in profiled(store, column="predicted@1")} == {
        "": 53, "desk=b": 9, "desk=c": 9,
    }  # fmt: skip


def test_no_segment_value_is_profiled_if_none_is_watched(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "most_segment_values": 0})
    fill(store, 0, 1)
    assert {row["segment"] for row in profiled(store)} == {""}


def test_profiles_do_not_depend_on_how_often_or_in_what_order_days_are_profiled(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 4, **MIXED)
    before = table_digest(store.read("profiles"))
    for number in (3, 0, 2, 1):
        shutil.rmtree(Path(store.uri, "_files", "profiled"))
        assert profile_days(store, day(number)) > 0
    assert table_digest(store.read("profiles")) == before


def test_day_is_read_again_only_if_its_files_or_what_is_watched_of_it_changed(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 2)
    both = Interval(day(0).start, day(1).end)
    assert profile_days(store, both) == 0
    late = records(1, 5, np.random.default_rng(7))
    rows = rows_of(store.loop, "predictions", [row | {"trace_id": f"late-{row['trace_id']}"} for row in late])
    store.append_new("predictions", rows)
    assert profile_days(store, both) > 0
    assert {row["day"]: row["rows"] for row in profiled(store, column="predicted@1", segment="")} == dict(
        zip(both.days, (60, 65), strict=True)
    )
    assert profile_days(store, both) == 0
    other = make_store(tmp_path, drift=DRIFT | {"segments": []})
    assert profile_days(other, both) > 0
    assert {row["segment"] for row in profiled(other)} == {""}


def test_profiles_that_were_lost_are_made_again(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 1)
    before = table_digest(store.read("profiles"))
    shutil.rmtree(Path(store.uri, "profiles"))
    assert profile_days(make_store(tmp_path, drift=DRIFT), day(0)) > 0
    assert table_digest(make_store(tmp_path, drift=DRIFT).read("profiles")) == before


def test_bins_are_fixed_by_the_first_values_even_if_they_come_late(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 1, **{**MIXED, "input_age": None})
    assert profiled(store, column="input_age", segment="")[0]["counts"] == [0]
    fill(store, 1, 1, **MIXED)
    edges = stored_basis(store).edges["input_age"]
    fill(store, 2, 1, **{**MIXED, "input_age": 1000.0})
    assert stored_basis(store).edges["input_age"] == edges
    profiles = map(Profile.from_row, profiled(store, column="input_age", segment=""))
    assert merged(profiles).counted > 60


def test_bins_outlast_a_day_without_values(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 1, **MIXED)
    edges = stored_basis(store).edges["input_age"]
    fill(store, 1, 1, **{**MIXED, "input_age": None})
    assert "input_age" not in stored_basis(store).edges
    fill(store, 2, 1, **{**MIXED, "input_age": 1000.0})
    assert stored_basis(store).edges["input_age"] == edges


def unknown_shares(store, vocabulary=0):
    """Return the share of unknown words of each day profiled with the nth vocabulary."""
    column = f"input_text:unknown_words@{day(vocabulary).days[0]}"
    return {row["day"]: row["total"] / row["rows"] for row in profiled(store, column=column, segment="")}


def days_of(*numbers):
    return [day(number).days[0] for number in numbers]


def test_vocabulary_is_kept_once_and_later_words_are_unknown(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 2, input_text="grain and corn")
    fill(store, 2, 1, input_text="grain zebra")
    assert list(unknown_shares(store).values()) == [0, 0, 0.5]


def test_new_vocabulary_looks_for_no_bins_in_the_days_before_it(tmp_path, monkeypatch):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    fill(store, 0, 14)
    read, original = [], store.read
    monkeypatch.setattr(store, "read", lambda name, **given: read.append(name) or original(name, **given))
    fill(store, 14, 1)
    assert read.count("profiles") == 2  # the newest day's bins, and what is there of the day to be replaced


def test_vocabulary_waits_for_a_day_with_enough_texts(tmp_path):
    """One row of a smoke test must not be all the words that are known for good."""
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 1, rows=1, input_text="smoke test")
    assert not [row for row in profiled(store) if "unknown_words" in row["column"]]
    fill(store, 1, 1, input_text="grain and corn")
    fill(store, 2, 1, input_text="grain zebra")
    assert unknown_shares(store, 1) == dict(zip(days_of(1, 2), [0, 0.5], strict=True))


def test_vocabulary_of_little_traffic_is_learned_from_several_days_and_all_of_them_are_like_later_ones(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "min_rows": 30})
    for number in range(3):
        fill(store, number, 1, rows=12, input_text=f"grain word{number} corn")
    assert unknown_shares(store, 2) == {day(2).days[0]: 0}
    fill(store, 1, 1, rows=13, input_text=lambda place: f"grain only{'abcdefghijklm'[place]}")
    assert unknown_shares(store, 2)[day(1).days[0]] == 0.5


def test_vocabulary_is_renewed_with_a_rolling_reference_and_two_are_kept_up_meanwhile(tmp_path):
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7})
    for number in range(30):
        fill(store, number, 1, input_text="old words" if number < 5 else "new words")
    assert list(unknown_shares(store, 0)) == days_of(*range(26))
    assert list(unknown_shares(store, 13)) == days_of(*range(13, 30))
    assert list(unknown_shares(store, 26)) == days_of(*range(26, 30))
    assert set(unknown_shares(store, 13).values()) == {0}
    assert unknown_shares(store, 0)[days_of(25)[0]] == 0.5


@pytest.mark.parametrize("changes", [{"reference": "frozen"}, {"reference": "dates"}], ids=str)
def test_vocabulary_of_a_fixed_reference_is_not_renewed(tmp_path, changes):
    dates = {"reference_dates": [day(0).start.date(), day(6).start.date()]} if changes["reference"] == "dates" else {}
    store = make_store(tmp_path, drift={**DRIFT, "reference_days": 7, **changes, **dates})
    fill(store, 0, 18, input_text="words")
    assert list(unknown_shares(store, 0)) == days_of(*range(18))
    assert len({row["column"] for row in profiled(store) if "unknown_words" in row["column"]}) == 1


def test_bins_wait_for_a_day_with_a_value_for_each(tmp_path):
    store = make_store(tmp_path, inputs=INPUTS, drift=DRIFT)
    fill(store, 0, 1, rows=1, **{**MIXED, "input_age": 7.0})
    assert "input_age" not in stored_basis(store).edges
    fill(store, 1, 1, **MIXED)
    assert len(stored_basis(store).edges["input_age"]) > BINS // 2
    profiles = [Profile.from_row(row) for row in profiled(store, column="input_age", segment="")]
    assert [profile.has_bins for profile in profiles] == [False, True]
    assert merged(profiles).counted == profiles[1].counted


def test_day_without_rows_loses_its_profiles(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    assert profile_days(store, day(0)) == 0
    fill(store, 0, 2)
    store.replace_where("predictions", rows_of(store.loop, "predictions", []), "day", day(1).days)
    assert profile_days(store, Interval(day(0).start, day(1).end)) == 0
    assert {row["day"] for row in profiled(store)} == {day(0).days[0]}


def test_columns_that_are_null_throughout_are_missing_not_zero(tmp_path):
    loop = make_loop(tmp_path, inputs=INPUTS, drift=DRIFT)
    batch = pa.RecordBatch.from_arrays(
        [pa.nulls(5, field.type) for field in mixed_batch(loop, 0, 1).schema], schema=mixed_batch(loop, 0, 1).schema
    )
    counts = DayCounts(loop, "2026-03-10", ProfileBasis({}, {}), [])
    counts.add(batch)
    for profile in counts.profiles():
        assert profile.rows == profile.nulls == 5
        assert profile.counted == 0
