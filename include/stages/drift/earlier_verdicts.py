"""What earlier verdicts mean for a window: whether it confirms an alarm, and which days are its reference."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from include.foundation.config.data_sections import FEWEST_REFERENCE_DAYS, WATCHED_DAYS, Drift
from include.foundation.decisions import DriftVerdict, latest
from include.foundation.decisions.verdict_history import verdicts_back
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore
from include.stages.drift.acceptance import Acceptance, acceptance
from include.stages.drift.comparing.unusual_columns import is_beyond_doubt
from include.stages.drift.kinds_of_day import ORDINARY, judged_days, kind_of_day

FEWEST_FOR_RARE_WINDOWS = 3
OLDEST = timedelta(days=366)  # of a reference day
COOLING = "Cool-down"
Outcome = Literal["stable", "drift", "alarm"]
Verdicts = Mapping[str, DriftVerdict]


def newest_verdicts(store: LoopStore, interval: Interval) -> dict[str, DriftVerdict]:
    """Return the newest verdict on a window, and on each earlier one that matters for it, by their keys.

    Those are the last m windows, of k-of-m confirmation, all that may still be in cool-down, and those on as many days that
    were not flagged as the reference may have, but none further back than a year.
    """
    drift = store.loop.drift
    since, oldest = interval.start - timedelta(days=drift.cooldown_days), interval.start - OLDEST
    wanted = drift.reference_days + WATCHED_DAYS if drift.reference == "rolling" else 0
    verdicts: dict[str, DriftVerdict] = {}
    unflagged: set[str] = set()
    for window, verdict in verdicts_back(store, interval.start):
        is_enough = len(unflagged) >= wanted or window.end <= oldest
        if len(verdicts) >= drift.confirm_m and window.end <= since and is_enough:
            break
        verdicts[window.key] = verdict
        unflagged.update(() if verdict.flagged else window.days)
    own = latest(store, DriftVerdict, interval.key)
    return verdicts | ({interval.key: own} if own else {})


def window_outcome(
    drift: Drift, interval: Interval, verdicts: Verdicts, *, flagged: bool, lasting: bool = True
) -> tuple[Outcome, str]:
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
    lasting
        Whether anything flagged is so in the last windows taken together, too.
    """
    earlier = earlier_windows(verdicts, interval)
    flags = [verdict.flagged for _, verdict in earlier]
    alarms = [window for window, verdict in earlier if verdict.outcome == "alarm"]
    return confirmation(drift, [*flags, flagged], interval.start - alarms[-1].end if alarms else None, lasting=lasting)


def confirmation(
    drift: Drift, flags: Sequence[bool], since_last_alarm: timedelta | None, *, lasting: bool = True
) -> tuple[Outcome, str]:
    """Return the outcome of the last of some windows, and the reason.

    Parameters
    ----------
    drift
        Says k, m and the cool-down.
    flags
        Whether each window was flagged, oldest first; the last is the one to be judged.
    since_last_alarm
        Time from the end of the last alarm's window to the start of this one; None if there was no alarm.
    lasting
        Whether the last windows, taken together, differ as well.

    Notes
    -----
    An alarm needs k flagged windows among the last m, this one included, and no alarm within the cool-down before it. If k is
    more than one, the windows taken together must differ as well: two far days in three, each by itself, are no lasting change.

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
    if drift.confirm_k > 1 and not lasting:
        return (
            "drift",
            f"Flagged in {count} of the last {drift.confirm_m} windows, which taken together do not differ clearly.",
        )
    if since_last_alarm is not None and since_last_alarm < timedelta(days=drift.cooldown_days):
        return "drift", f"{COOLING}: the last alarm was raised less than {drift.cooldown_days} days before."
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
    ``rolling``: the last ``reference_days`` days before the window, without those that are kept out, see `kept_out`.
    ``frozen``: the loop's first ``reference_days`` days, as far as they are before the window. ``dates``: the days from the
    first to the last of ``reference_dates``. Only days of the window's kind count, see `kind_of_day`; of a kind that is rare
    they may be a year old.
    """
    drift = store.loop.drift
    own = judged_days(drift, interval.days)
    kind = kind_of_day(drift, own[0])
    days = [day for day in store.days("profiles") if day not in interval.days and kind_of_day(drift, day) == kind]
    if drift.reference_dates is not None:
        first, last = (day.isoformat() for day in drift.reference_dates)
        return [day for day in days if first <= day <= last]
    before = [day for day in days if day < interval.days[0]]
    if drift.reference == "frozen":
        return before[: drift.reference_days]
    accepted = acceptance(store, interval)
    oldest = max(f"{interval.start - OLDEST:%Y-%m-%d}", accepted.ordinary_from)
    flagged = kept_out(drift, earlier_windows(verdicts, interval), accepted)
    possible = [day for day in before if day >= oldest]
    if kind != ORDINARY:
        return [day for day in possible if day not in flagged][-drift.reference_days :]
    return rolling_days(drift, possible, flagged, interval.days[0], window_days=len(own))


def kept_out(drift: Drift, earlier: Sequence[tuple[Interval, DriftVerdict]], accepted: Acceptance) -> set[str]:
    """Return the days that are no reference, because something had changed on them that nobody has accepted.

    Parameters
    ----------
    drift
        Says m, of k-of-m confirmation.
    earlier
        Earlier windows and the verdicts on them, in order.
    accepted
        What is accepted.

    Notes
    -----
    Those are the flagged days of every confirmed change, for as long as no person and no new model accepts it; days that lack
    values or have unknown ones, or lie further out than ordinary days ever do, always; and those that may yet be confirmed. A
    flagged day that nothing confirms is an ordinary one, only further out: left out, it would make the next one look rarer than
    it is, and the reference narrower with each.
    """
    days: set[str] = set()
    for place, (window, verdict) in enumerate(earlier):
        confirming = earlier[max(0, place + 1 - drift.confirm_m) : place + 1] if verdict.is_confirmed else []
        for each, one in [*confirming, *([(window, verdict)] if is_beyond_doubt(verdict) else [])]:
            if one.flagged and not accepted.covers(each, one):
                days.update(each.days)
    recent = earlier[max(0, len(earlier) - drift.confirm_m + 1) :]
    flagged = [window for window, verdict in recent if verdict.flagged and not accepted.covers(window, verdict)]
    return days | {day for window in flagged for day in window.days}


def fewest_days(drift: Drift, interval: Interval) -> int:
    """Return how many reference days a window needs: three if it is longer than a day or no ordinary one, as they are few then.

    The fewer there are, the more a window must differ: a t interval knows how little three days say.

    Examples
    --------
    >>> windows = [Interval.parse("2026-11-02", end) for end in ("2026-11-03", "2026-11-09")]
    >>> [fewest_days(Drift(), window) for window in windows], fewest_days(Drift(days_of_month=[2]), windows[0])
    ([7, 3], 3)
    """
    own = judged_days(drift, interval.days)
    is_plain = len(own) == 1 and kind_of_day(drift, own[0]) == ORDINARY
    return FEWEST_REFERENCE_DAYS if is_plain else FEWEST_FOR_RARE_WINDOWS


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
        Days that are not ordinary.
    today
        First day of the window.
    window_days
        Days of a window.

    Notes
    -----
    The days of the last m - 1 windows, which confirm the window, are left out as well, once there are enough others; and so are
    those of the last week, once there are ``reference_days`` others: a shift that is not flagged at once must not become
    ordinary while it may still be found.

    Examples
    --------
    >>> days = [f"2026-01-{number:02d}" for number in range(1, 17)]
    >>> rolling_days(Drift(reference_days=7, confirm="2 of 3"), days, ["2026-01-08"], "2026-01-17")
    ['2026-01-03', '2026-01-04', '2026-01-05', '2026-01-06', '2026-01-07', '2026-01-09', '2026-01-10']
    """
    kept = set(flagged)
    ordinary = [day for day in before if day not in kept]
    confirming = (drift.confirm_m - 1) * window_days
    needed = ((confirming, FEWEST_REFERENCE_DAYS), (max(WATCHED_DAYS, confirming), drift.reference_days))
    left_out = max(min(_since(ordinary, today, span), len(ordinary) - fewest) for span, fewest in needed)
    return ordinary[: len(ordinary) - max(left_out, 0)][-drift.reference_days :]


def _since(days: Sequence[str], today: str, span: int) -> int:
    """Return how many of some days are within so many days before today."""
    first = (date.fromisoformat(today) - timedelta(days=span)).isoformat()
    return sum(day >= first for day in days)


def earlier_windows(verdicts: Verdicts, interval: Interval) -> list[tuple[Interval, DriftVerdict]]:
    """Return the verdicts on earlier windows, with these, in the order of their ends."""
    windows = [(Interval.from_key(subject), verdict) for subject, verdict in verdicts.items()]
    earlier = [(window, verdict) for window, verdict in windows if window.end <= interval.start]
    return sorted(earlier, key=lambda pair: pair[0].end)
