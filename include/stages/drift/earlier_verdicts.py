"""What earlier verdicts mean for a window: whether it confirms an alarm, and which days are its reference."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, Drift
from include.foundation.decisions import DriftVerdict, latest
from include.foundation.decisions.verdict_history import verdicts_back
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

FEWEST_FOR_LONG_WINDOWS = 3
Outcome = Literal["stable", "drift", "alarm"]
Verdicts = Mapping[str, DriftVerdict]


def newest_verdicts(store: LoopStore, interval: Interval) -> dict[str, DriftVerdict]:
    """Return the newest verdict on a window, and on each earlier one that matters for it, by their keys.

    Those are the last m windows, of k-of-m confirmation, and all that may still be in cool-down or kept out of the reference.
    """
    drift = store.loop.drift
    since = interval.start - timedelta(days=max(drift.reference_days, drift.cooldown_days))
    verdicts: dict[str, DriftVerdict] = {}
    for window, verdict in verdicts_back(store, interval.start):
        if len(verdicts) >= drift.confirm_m and window.end <= since:
            break
        verdicts[window.key] = verdict
    own = latest(store, DriftVerdict, interval.key)
    return verdicts | ({interval.key: own} if own else {})


def window_outcome(drift: Drift, interval: Interval, verdicts: Verdicts, *, flagged: bool) -> tuple[Outcome, str]:
    """Return the outcome of a window that has been compared, and the reason: ``stable``, ``drift`` or ``alarm``.

    Parameters
    ----------
    drift
        Says k, m and the cool-down.
    interval
        The window.
    verdicts
        Newest verdicts by interval. Only those on earlier intervals count, so judging a window again gives the same outcome.
    flagged
        Whether anything is flagged in the window.
    """
    earlier = _earlier(verdicts, interval)
    flags = [verdict.flagged for _, verdict in earlier]
    alarms = [window for window, verdict in earlier if verdict.outcome == "alarm"]
    return confirmation(drift, [*flags, flagged], interval.start - alarms[-1].end if alarms else None)


def confirmation(drift: Drift, flags: Sequence[bool], since_last_alarm: timedelta | None) -> tuple[Outcome, str]:
    """Return the outcome of the last of some windows, and the reason.

    Parameters
    ----------
    drift
        Says k, m and the cool-down.
    flags
        Whether each window was flagged, oldest first; the last is the one to be judged.
    since_last_alarm
        Time from the end of the last alarm's window to the start of this one; None if there was no alarm.

    Notes
    -----
    An alarm needs k flagged windows among the last m, this one included, and no alarm within the cool-down before it.

    Examples
    --------
    >>> confirmation(Drift(confirm="2 of 3"), [True, False, True], None)[0]
    'alarm'
    """
    if not flags[-1]:
        return "stable", "Nothing to confirm."
    count = sum(flags[-drift.confirm_m :])
    if count < drift.confirm_k:
        return "drift", f"Flagged in {count} of the last {drift.confirm_m} windows; an alarm needs {drift.confirm_k}."
    if since_last_alarm is not None and since_last_alarm < timedelta(days=drift.cooldown_days):
        return "drift", f"Cool-down: the last alarm was raised less than {drift.cooldown_days} days before."
    return "alarm", f"Confirmed: flagged in {count} of the last {drift.confirm_m} windows."


def reference_days(store: LoopStore, interval: Interval, verdicts: Verdicts) -> list[str]:
    """Return the profiled days that are the reference of a window, in order; never its own.

    Parameters
    ----------
    store
        Tables of the loop; ``drift.reference`` says which days.
    interval
        The window.
    verdicts
        Newest verdicts by interval.

    Notes
    -----
    ``rolling``: the last ``reference_days`` days before the window, without those of windows flagged less than
    ``reference_days`` ago: a new level becomes ordinary after that many days. ``frozen``: the loop's first ``reference_days``
    days, as far as they are before the window. ``dates``: the days from the first to the last of ``reference_dates``.
    """
    drift = store.loop.drift
    days = [day for day in store.days("profiles") if day not in interval.days]
    if drift.reference_dates is not None:
        first, last = (day.isoformat() for day in drift.reference_dates)
        return [day for day in days if first <= day <= last]
    before = [day for day in days if day < interval.days[0]]
    if drift.reference == "frozen":
        return before[: drift.reference_days]
    flagged = [day for window, verdict in _earlier(verdicts, interval) if verdict.flagged for day in window.days]
    return rolling_days(drift, before, flagged, interval.days[0], window_days=len(interval.days))


def fewest_days(interval: Interval) -> int:
    """Return how many reference days a window needs: three if it is longer than a day, for they are few between such windows.

    The fewer there are, the more a window must differ: a t interval knows how little three days say.

    Examples
    --------
    >>> fewest_days(Interval.parse("2026-11-02", "2026-11-03")), fewest_days(Interval.parse("2026-11-02", "2026-11-09"))
    (7, 3)
    """
    return FEWEST_REFERENCE_DAYS if len(interval.days) == 1 else FEWEST_FOR_LONG_WINDOWS


def rolling_days(
    drift: Drift, before: Sequence[str], flagged: Iterable[str], today: str, *, window_days: int = 1
) -> list[str]:
    """Return the last ``reference_days`` ordinary days before today, in order.

    Parameters
    ----------
    drift
        Says ``reference_days`` and m, of k-of-m confirmation.
    before
        Profiled days before today, in order.
    flagged
        Days of flagged windows: those less than ``reference_days`` ago are not ordinary.
    today
        First day of the window.
    window_days
        Days of a window.

    Notes
    -----
    The days of the last m - 1 windows are left out as well, once there are enough others: a shift that is not flagged at once
    must not become ordinary while it is still being confirmed.

    Examples
    --------
    >>> days = [f"2026-01-{number:02d}" for number in range(1, 13)]
    >>> rolling_days(Drift(reference_days=7, confirm="2 of 3"), days, ["2026-01-08"], "2026-01-13")
    ['2026-01-03', '2026-01-04', '2026-01-05', '2026-01-06', '2026-01-07', '2026-01-09', '2026-01-10']
    """
    oldest = (date.fromisoformat(today) - timedelta(days=drift.reference_days)).isoformat()
    excluded = {day for day in flagged if day >= oldest}
    ordinary = [day for day in before if day not in excluded]
    recent = (date.fromisoformat(today) - timedelta(days=(drift.confirm_m - 1) * window_days)).isoformat()
    watched = max(drift.confirm_m - 1, sum(day >= recent for day in ordinary))
    return ordinary[-(drift.reference_days + watched) :][: drift.reference_days]


def _earlier(verdicts: Verdicts, interval: Interval) -> list[tuple[Interval, DriftVerdict]]:
    """Return the verdicts on earlier windows, with these, in the order of their ends."""
    windows = [(Interval.from_key(subject), verdict) for subject, verdict in verdicts.items()]
    earlier = [(window, verdict) for window, verdict in windows if window.end <= interval.start]
    return sorted(earlier, key=lambda pair: pair[0].end)
