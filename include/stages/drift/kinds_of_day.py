"""Days that the calendar sets apart: holidays, and days of the month as pay-days are; each is held against its own kind."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from include.foundation.config.data_sections import Drift

ORDINARY = ""


def kind_of_day(drift: Drift, day: str) -> str:
    """Return what kind of day the calendar of the loop file makes of a day, in words; `ORDINARY` for all that are like others.

    Parameters
    ----------
    drift
        Says the holidays and the days of the month that are unlike others.
    day
        ``YYYY-MM-DD``.

    Examples
    --------
    >>> drift = Drift(days_of_month=[-1], holidays="DE")
    >>> [kind_of_day(drift, day) for day in ("2026-12-25", "2026-02-28", "2026-02-27")]
    ['a public holiday of DE', 'day -1 of the month', '']
    """
    when = date.fromisoformat(day)
    if drift.holidays and when in _holidays(drift.holidays, when.year):
        return f"a public holiday of {drift.holidays}"
    length = monthrange(when.year, when.month)[1]
    named = [each for each in drift.days_of_month if when.day in {each, length + 1 + each}]
    return f"day {named[0]} of the month" if named else ORDINARY


def judged_days(drift: Drift, days: Sequence[str]) -> list[str]:
    """Return the days of a window that are judged: those of its kind, or where it has several, the ordinary ones.

    Parameters
    ----------
    drift
        Says which days are unlike others.
    days
        Of the window, at least one.
    """
    kinds = {day: kind_of_day(drift, day) for day in days}
    kind = ORDINARY if ORDINARY in kinds.values() else kinds[days[0]]
    return [day for day, each in kinds.items() if each == kind]


@lru_cache(maxsize=16)
def _holidays(place: str, year: int) -> frozenset[date]:
    import holidays

    country, _, region = place.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))
