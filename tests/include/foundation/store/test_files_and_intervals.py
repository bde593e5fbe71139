"""Files appear whole, below the loop's folder; intervals are half-open and in UTC."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.foundation.errors import ConfigError, NoSuchFileError, StoreError
from include.foundation.intervals import Interval
from include.foundation.store.objects import has_file, read_file, write_file
from tests.builders import make_store


def test_written_file_is_whole_and_can_be_written_again(tmp_path):
    store = make_store(tmp_path)
    uri = write_file(store, "reports/a.md", "one")
    assert write_file(store, "reports/a.md", "two") == uri
    assert Path(uri).read_text() == "two"
    assert [path.name for path in Path(uri).parent.iterdir()] == ["a.md"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a", "a/../../b"])
def test_path_that_leaves_the_folder_is_refused(tmp_path, path):
    with pytest.raises(StoreError, match="relative one below"):
        write_file(make_store(tmp_path), path, "x")


def test_file_that_was_never_written_is_told_from_one_that_cannot_be_read(tmp_path):
    store = make_store(tmp_path)
    assert not has_file(store, "reports/a.md")
    write_file(store, "reports/a.md", "one")
    assert has_file(store, "reports/a.md")
    assert read_file(store, "reports/a.md") == b"one"
    for missing in ("reports/b.md", "reports", "reports/a.md/c"):
        with pytest.raises(NoSuchFileError, match=missing):
            read_file(store, missing)
    with pytest.raises(StoreError) as caught:
        read_file(store, f"reports/{'a' * 300}")
    assert not isinstance(caught.value, NoSuchFileError)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("soon", "2026-01-02", "expected ISO 8601"),
        ("2026-01-02", "2026-01-01", "not before"),
        ("2026-01-01", "2026-01-01", "not before"),
    ],
)
def test_interval_that_is_none_is_refused(start, end, message):
    with pytest.raises(ConfigError, match=message):
        Interval.parse(start, end)


def test_interval_key_does_not_depend_on_the_zone_it_was_given_in():
    assert Interval.parse("2026-01-01T01:00:00+01:00", "2026-01-02T00:00Z") == Interval.parse(
        "2026-01-01", "2026-01-02"
    )
    assert (
        Interval.parse("2026-01-01T01:00:00+01:00", "2026-01-02T00:00Z").key
        == Interval.parse("2026-01-01", "2026-01-02").key
    )


def test_interval_days_include_those_it_only_touches():
    assert Interval.parse("2026-01-01T23:00", "2026-01-03T00:00").days == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        pytest.param("2026-01-05", "2026-01-06", ["2026-01-05"], id="a-day"),
        pytest.param("2026-01-05", "2026-01-12", [f"2026-01-{n:02d}" for n in range(5, 12)], id="a-week"),
        pytest.param("2026-01-05T06:00", "2026-01-06T06:00", ["2026-01-05"], id="a-day-that-ends-at-six"),
        pytest.param("2026-01-05T23:00", "2026-01-06T00:00", ["2026-01-05"], id="last-hour"),
        pytest.param("2026-01-06T00:00", "2026-01-06T01:00", ["2026-01-05"], id="first-hour"),
        pytest.param("2026-01-06T09:00", "2026-01-06T10:00", ["2026-01-05"], id="an-hour"),
        pytest.param("2026-01-06T01:00+01:00", "2026-01-07T01:00+01:00", ["2026-01-06"], id="in-another-zone"),
    ],
)
def test_whole_days_are_those_that_end_in_the_interval_or_else_the_last_before(start, end, days):
    assert Interval.parse(start, end).whole_days.days == days


@pytest.mark.parametrize("hours", [1, 5, 6, 24, 36, 24 * 7])
def test_every_day_ends_in_one_interval_of_a_schedule(hours):
    start = datetime(2026, 1, 5, 3, tzinfo=UTC)
    steps = [Interval(start + timedelta(hours=n * hours), start + timedelta(hours=(n + 1) * hours)) for n in range(200)]
    ended = [day for step in steps if step.whole_days.end > step.start for day in step.whole_days.days]
    assert ended == Interval(start, steps[-1].whole_days.end).days
