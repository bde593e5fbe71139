"""A batch that is too large is judged by rows that are chosen by nothing but their trace id, the same each time."""

from datetime import timedelta

import numpy as np
import pytest

from include.foundation.intervals import Interval
from include.foundation.quality import judged_sample
from include.foundation.quality.expectations import suite_of
from include.foundation.quality.judged_sample import columns_judged, sampled_rows
from include.stages.logs.pulling import pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines

COLUMNS = ["trace_id", "day", "predicted", "segment_desk"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sampled")
    store = make_store(folder)
    write_lines(folder, [line(n) for n in range(3000)] + [line(n, when=day(1).start) for n in range(3000, 3400)])
    pull_logs(store, day(), KEY)
    pull_logs(store, day(1), KEY)
    return store


def ids(table):
    return table.column("trace_id").to_pylist()


def test_all_rows_are_judged_when_there_is_room(store):
    rows = sampled_rows(store, day(), COLUMNS, 3000, 3000)
    expected = store.read("predictions", columns=COLUMNS, filters=[("ts", ">=", DAY), ("ts", "<", day().end)])
    assert rows.equals(expected)
    assert sampled_rows(store, day(1), COLUMNS, 400, 3000).num_rows == 400


def test_sample_has_exactly_the_size_and_is_the_same_however_it_is_read(store, monkeypatch):
    first = sampled_rows(store, day(), COLUMNS, 3000, 500)
    assert [sampled_rows(store, day(), COLUMNS, 3000, most).num_rows for most in range(300, 2900, 300)] == list(
        range(300, 2900, 300)
    )
    monkeypatch.setattr(judged_sample, "BATCH_ROWS", 7)
    assert sampled_rows(store, day(), COLUMNS, 3000, 500).equals(first)


def test_smaller_sample_is_part_of_a_larger_one(store):
    small, large = (set(ids(sampled_rows(store, day(), COLUMNS, 3000, most))) for most in (100, 900))
    assert small < large


def test_sample_is_uniform(store):
    chosen = sampled_rows(store, day(), COLUMNS, 3000, 1000)
    numbers = np.array([int(name[1:]) for name in ids(chosen)])
    for group, size in ((numbers % 2 == 0, 1500), (numbers < 1000, 1000), (numbers >= 2900, 100)):
        expected = size / 3
        assert abs(int(group.sum()) - expected) < 5 * np.sqrt(expected)


def test_interval_may_cut_days_and_span_them(store):
    both = sampled_rows(store, Interval(DAY, day(1).end), COLUMNS, 3400, 5000)
    assert both.num_rows == 3400
    assert set(both.column("day").to_pylist()) == {"2026-03-10", "2026-03-11"}
    logged_at = DAY + timedelta(hours=3)
    assert sampled_rows(store, Interval(DAY, logged_at), COLUMNS, 0, 5000).num_rows == 0
    assert sampled_rows(store, Interval(logged_at, day().end), COLUMNS, 3000, 5000).num_rows == 3000
    assert (
        sampled_rows(store, Interval(logged_at + timedelta(seconds=1), day(1).end), COLUMNS, 400, 5000).num_rows == 400
    )


def test_no_table_gives_no_rows(tmp_path):
    assert sampled_rows(make_store(tmp_path), day(), COLUMNS, 0, 10).num_rows == 0


def test_only_columns_that_are_named_are_read_unless_the_table_is_meant(store):
    unique = ("expect_column_values_to_be_unique", {"column": "predicted"})
    assert columns_judged(store, suite_of("s", [unique])) == ["trace_id", "predicted"]
    for whole in (
        ("expect_table_column_count_to_equal", {"value": 3}),
        (
            "expect_column_values_to_be_unique",
            {"column": "ts", "row_condition": 'day=="x"', "condition_parser": "pandas"},
        ),
    ):
        assert columns_judged(store, suite_of("s", [unique, whole])) == store.schema("predictions").names
