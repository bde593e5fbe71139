"""Intervals are half-open and in UTC, and every day belongs to one of a schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.errors import ConfigError
from include.foundation.intervals import FIRST, LAST, Interval, moved


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


@pytest.mark.parametrize(
    ("moment", "days", "expected"),
    [
        pytest.param(datetime(2026, 1, 8, tzinfo=UTC), -7, datetime(2026, 1, 1, tzinfo=UTC), id="within"),
        pytest.param(datetime(1, 1, 2, tzinfo=UTC), -7, FIRST, id="before-the-first"),
        pytest.param(datetime(9999, 12, 31, tzinfo=UTC), 7, LAST, id="after-the-last"),
    ],
)
def test_moment_is_moved_at_most_to_the_first_or_last_there_is(moment, days, expected):
    assert moved(moment, timedelta(days=days)) == expected
