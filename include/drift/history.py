"""What earlier verdicts mean for this one: confirmation, cool-down, and which days are not ordinary."""

from datetime import date, timedelta

from include.store.decisions import Decision, find
from include.store.interval import Interval
from include.store.tables import LoopStore


def confirmed(store: LoopStore, interval: Interval, *, flagged_now: bool) -> tuple[str, str]:
    """Return the outcome of a judged window, and why: ``stable``, ``drift`` or ``alarm``.

    An alarm needs k flagged windows among the last m, this one among them, and no alarm in the cool-down before it. Only
    verdicts on earlier intervals count, so judging an interval again gives the same answer.
    """
    drift = store.loop.drift
    if not flagged_now:
        return "stable", "Nothing to confirm."
    earlier = _earlier(store, interval)
    recent = [verdict for _, verdict in earlier][-(drift.confirm_m - 1) :] if drift.confirm_m > 1 else []
    count = 1 + sum(bool(verdict.evidence["flagged"]) for verdict in recent)
    if count < drift.confirm_k:
        return "drift", f"Flagged in {count} of the last {drift.confirm_m} windows; an alarm needs {drift.confirm_k}."
    since = interval.start - timedelta(days=drift.cooldown_days)
    alarms = [span for span, verdict in earlier if verdict.outcome == "alarm" and span.end > since]
    if alarms:
        return (
            "drift",
            f"Cool-down: the alarm of {alarms[-1].key} was raised less than {drift.cooldown_days} days before.",
        )
    return "alarm", f"Confirmed: flagged in {count} of the last {drift.confirm_m} windows."


def excluded_days(store: LoopStore, interval: Interval) -> set[str]:
    """Return days that do not say what is ordinary: those of flagged windows less than ``reference_days`` ago.

    Older ones count again, so a new level becomes ordinary after that many days.
    """
    oldest = date.fromisoformat(interval.days[0]) - timedelta(days=store.loop.drift.reference_days)
    flagged = [span for span, verdict in _earlier(store, interval) if verdict.evidence["flagged"]]
    return {day for span in flagged for day in span.days if date.fromisoformat(day) >= oldest}


def _earlier(store: LoopStore, interval: Interval) -> list[tuple[Interval, Decision]]:
    """Return the newest verdict on each earlier interval, in the order of their ends."""
    newest = {verdict.subject: verdict for verdict in find(store, "drift")}
    spans = [(Interval.from_key(subject), verdict) for subject, verdict in newest.items()]
    return sorted(((span, v) for span, v in spans if span.end <= interval.start), key=lambda pair: pair[0].end)
