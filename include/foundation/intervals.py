"""A data interval: the span of log time that a run works on, and the key of what it writes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.errors import ConfigError

PRESETS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *", "@yearly": "0 0 1 1 *",
}  # fmt: skip
AN_EPOCH = datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Interval:
    """A half-open span of log time, ``start <= ts < end``, in UTC.

    Examples
    --------
    >>> day = Interval.parse("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    >>> day.key, day.days
    ('2026-11-01T00:00:00+00:00/2026-11-02T00:00:00+00:00', ['2026-11-01'])
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ConfigError(f"Interval: got {self.start} to {self.end}, expected both with a time zone")
        if self.start >= self.end:
            raise ConfigError(f"Interval: got start {self.start} not before end {self.end}; give a later end")

    @classmethod
    def parse(cls, start: str, end: str) -> "Interval":
        """Read two ISO 8601 times; one without a zone is UTC.

        Raises
        ------
        ConfigError
            If either is not a time, or start is not before end.
        """
        return cls(_time("start", start), _time("end", end))

    @classmethod
    def from_key(cls, key: str) -> "Interval":
        """Return the interval with a `key`.

        Examples
        --------
        >>> day = Interval.parse("2026-11-01", "2026-11-02")
        >>> Interval.from_key(day.key) == day
        True
        """
        start, _, end = key.partition("/")
        return cls.parse(start, end)

    @property
    def key(self) -> str:
        """``start/end`` in ISO 8601, UTC: the subject of what is decided on this interval."""
        return f"{self.start.astimezone(UTC).isoformat()}/{self.end.astimezone(UTC).isoformat()}"

    @property
    def days(self) -> list[str]:
        """Every UTC day the interval touches, as ``YYYY-MM-DD``, in order."""
        first = self.start.astimezone(UTC).date()
        last = (self.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]

    @property
    def whole_days(self) -> "Interval":
        """The UTC days that end in the interval; if none does, the last one that ended before.

        Whatever the hours of a schedule are, every day is whole and belongs to one of its intervals.

        Examples
        --------
        >>> Interval.parse("2026-11-01T06:00:00Z", "2026-11-02T06:00:00Z").whole_days.days
        ['2026-11-01']
        >>> Interval.parse("2026-11-02T09:00:00Z", "2026-11-02T10:00:00Z").whole_days.days
        ['2026-11-01']
        """
        end = _midnight(self.end)
        return Interval(min(_midnight(self.start), end - timedelta(days=1)), end)

    @property
    def ends_a_day(self) -> bool:
        """Whether a UTC day ends in the interval; no earlier interval of a schedule has the same `whole_days` then.

        Examples
        --------
        >>> Interval.parse("2026-11-01T23:00:00Z", "2026-11-02T00:00:00Z").ends_a_day
        True
        >>> Interval.parse("2026-11-02T00:00:00Z", "2026-11-02T01:00:00Z").ends_a_day
        False
        """
        return _midnight(self.end) > self.start

    def widened(self, hours: float) -> "Interval":
        """Return the interval with an earlier start."""
        return Interval(self.start - timedelta(hours=hours), self.end)


def last_complete(schedule: str, moment: datetime) -> Interval:
    """Return the interval of a cron schedule that ended last before or at a moment.

    Parameters
    ----------
    schedule
        Cron expression or preset, in UTC.
    moment
        With a time zone.

    Examples
    --------
    >>> last_complete("@daily", datetime(2026, 11, 3, 15, 30, tzinfo=UTC)).days
    ['2026-11-02']
    """
    ticks = _ticks(schedule, moment)
    end = ticks.get_prev(datetime)
    return Interval(ticks.get_prev(datetime), end)


def next_ticks(schedule: str, number: int, moment: datetime = AN_EPOCH) -> list[datetime]:
    """Return the next moments of a cron schedule.

    Parameters
    ----------
    schedule
        Cron expression or preset, in UTC.
    number
        How many.
    moment
        After which, with a time zone.

    Raises
    ------
    ConfigError
        If it is no schedule, or has no more moments.

    Examples
    --------
    >>> [tick.month for tick in next_ticks("@quarterly", 3)]
    [1, 4, 7]
    """
    from croniter import CroniterError

    ticks = _ticks(schedule, moment)
    try:
        return [ticks.get_next(datetime) for _ in range(number)]
    except (CroniterError, ValueError, OverflowError) as error:
        raise ConfigError(f"got {schedule!r}, expected a cron expression that comes again and again: {error}") from None


def _ticks(schedule: str, moment: datetime) -> Any:
    from croniter import CroniterError, croniter

    is_random = any(field.upper().startswith("R") for field in schedule.split())
    try:
        return croniter("R is another moment each time" if is_random else PRESETS.get(schedule, schedule), moment)
    except (CroniterError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ConfigError(
            f"got {schedule!r}, expected a cron expression such as 0 6 * * * (minute, hour, day, month, weekday), or one of "
            f"{', '.join(PRESETS)}: {error}"
        ) from None


def moved(moment: datetime, by: timedelta) -> datetime:
    """Return an earlier or later moment, at most the first or last that a datetime can hold: logs contain any, even year 1.

    Examples
    --------
    >>> moved(datetime(1, 1, 2, tzinfo=UTC), timedelta(days=-7)).year
    1
    """
    try:
        return moment + by
    except OverflowError:
        return FIRST if by < timedelta(0) else LAST


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _time(which: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"Interval {which}: got {text!r}, expected ISO 8601 such as 2026-11-01T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
