"""What earlier verdicts mean for this one: confirmation, cool-down, and which days are ordinary."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from include.foundation.config.data_sections import Drift
from include.foundation.decisions import DriftVerdict, find
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

Confirmed = Literal["stable", "drift", "alarm"]
Verdicts = Mapping[str, DriftVerdict]


def newest_verdicts(store: LoopStore) -> dict[str, DriftVerdict]:
    """Return the newest verdict on each interval, by its key."""
    return {verdict.subject: verdict for verdict in find(store, DriftVerdict)}


def confirmed(drift: Drift, interval: Interval, verdicts: Verdicts, *, flagged_now: bool) -> tuple[Confirmed, str]:
    """Return the outcome of a judged window, and why: ``stable``, ``drift`` or ``alarm``.

    Only verdicts on earlier intervals count, so judging an interval again gives the same answer.
    """
    earlier = _earlier(verdicts, interval)
    flags = [verdict.flagged for _, verdict in earlier]
    alarms = [span for span, verdict in earlier if verdict.outcome == "alarm"]
    quiet = interval.start - alarms[-1].end if alarms else None
    return confirmation(drift, [*flags, flagged_now], quiet)


def confirmation(drift: Drift, flags: Sequence[bool], quiet: timedelta | None) -> tuple[Confirmed, str]:
    """Return the outcome of the last of some windows, and why.

    Parameters
    ----------
    drift
        Says k, m and the cool-down.
    flags
        Whether each window was flagged, the one judged last.
    quiet
        Time between the last alarm and the window judged; None if there was none.

    Notes
    -----
    An alarm needs k flagged windows among the last m, this one among them, and no alarm in the cool-down before it.

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
    if quiet is not None and quiet < timedelta(days=drift.cooldown_days):
        return "drift", f"Cool-down: the last alarm was raised less than {drift.cooldown_days} days before."
    return "alarm", f"Confirmed: flagged in {count} of the last {drift.confirm_m} windows."


def reference_days(store: LoopStore, interval: Interval, verdicts: Verdicts) -> list[str]:
    """Return the profiled days that say what is ordinary for an interval, in order; never its own.

    Notes
    -----
    ``rolling``: the last ``reference_days`` ones before it, without those of windows flagged less than ``reference_days`` ago:
    a new level becomes ordinary after that many days. ``frozen``: the loop's first ``reference_days`` ones, as far as they are
    before it. ``dates``: those from the first to the last of ``reference_dates``.
    """
    drift = store.loop.drift
    profiled = [day for day in store.days("profiles") if day not in interval.days]
    if drift.reference_dates is not None:
        first, last = (day.isoformat() for day in drift.reference_dates)
        return [day for day in profiled if first <= day <= last]
    before = [day for day in profiled if day < interval.days[0]]
    if drift.reference == "frozen":
        return before[: drift.reference_days]
    flagged = [day for span, verdict in _earlier(verdicts, interval) if verdict.flagged for day in span.days]
    return rolling_days(drift, before, flagged, interval.days[0])


def rolling_days(drift: Drift, before: Sequence[str], flagged: Iterable[str], today: str) -> list[str]:
    """Return the ``reference_days`` last days before today, in order, that are ordinary.

    Days of windows flagged less than ``reference_days`` ago are not. Nor, once there are days enough, are the last m - 1: a
    shift that goes on without being noticed at once must not become ordinary while it is looked for.

    Examples
    --------
    >>> days = [f"2026-01-{number:02d}" for number in range(1, 13)]
    >>> rolling_days(Drift(reference_days=7, confirm="2 of 3"), days, ["2026-01-08"], "2026-01-13")
    ['2026-01-03', '2026-01-04', '2026-01-05', '2026-01-06', '2026-01-07', '2026-01-09', '2026-01-10']
    """
    oldest = (date.fromisoformat(today) - timedelta(days=drift.reference_days)).isoformat()
    excluded = {day for day in flagged if day >= oldest}
    ordinary = [day for day in before if day not in excluded]
    return ordinary[-(drift.reference_days + drift.confirm_m - 1) :][: drift.reference_days]


def _earlier(verdicts: Verdicts, interval: Interval) -> list[tuple[Interval, DriftVerdict]]:
    """Return the verdicts on earlier intervals, in the order of their ends."""
    spans = [(Interval.from_key(subject), verdict) for subject, verdict in verdicts.items()]
    return sorted(((span, v) for span, v in spans if span.end <= interval.start), key=lambda pair: pair[0].end)
