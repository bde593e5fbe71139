"""Which days the calendar of a loop file sets apart."""

import pytest

from include.foundation.config.data_agreements import calendar_problem
from include.foundation.config.data_sections import Drift
from include.stages.drift.kinds_of_day import ORDINARY, judged_days, kind_of_day


@pytest.mark.parametrize(
    ("place", "day", "is_holiday"),
    [
        ("DE", "2026-12-25", True), ("DE", "2026-06-04", False), ("DE-BY", "2026-06-04", True), ("US", "2026-07-03", True),
        ("US", "2026-12-24", False),
    ],
)  # fmt: skip
def test_holidays_are_those_of_the_country_or_region(place, day, is_holiday):
    """The fourth of June 2026 is Corpus Christi, a holiday in Bavaria; the fourth of July is a Saturday, and is moved."""
    assert (kind_of_day(Drift(holidays=place), day) != ORDINARY) is is_holiday
    assert kind_of_day(Drift(), day) == ORDINARY


@pytest.mark.parametrize(
    ("named", "day"), [(1, "2026-02-01"), (-1, "2026-02-28"), (-1, "2028-02-29"), (-3, "2026-04-28")]
)
def test_days_of_the_month_are_counted_from_either_end(named, day):
    drift = Drift(days_of_month=[named])
    assert kind_of_day(drift, day) == f"day {named} of the month"
    assert kind_of_day(drift, "2026-02-15") == ORDINARY


def test_window_of_several_days_is_judged_by_its_ordinary_ones():
    drift = Drift(days_of_month=[2, 3])
    week = [f"2026-03-{day:02d}" for day in range(1, 6)]
    assert judged_days(drift, week) == ["2026-03-01", "2026-03-04", "2026-03-05"]
    assert judged_days(drift, week[1:3]) == week[1:2]
    assert judged_days(drift, week[1:2]) == week[1:2]


def test_country_that_the_library_does_not_know_is_refused_in_words():
    assert calendar_problem("DE") is None
    for place in ("XX", "DE-QQ"):
        assert f"got '{place}', expected a country or region" in str(calendar_problem(place))
