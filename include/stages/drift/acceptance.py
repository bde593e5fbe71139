"""Which changes were accepted as the new normal: by a person, or by a new model that went live after them."""

from dataclasses import dataclass
from datetime import date, datetime

from include.foundation.decisions import AcceptedNormal, DriftVerdict, find, record
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.deployments import BEGINNING, history
from include.foundation.store.tables import LoopStore


@dataclass(frozen=True)
class Acceptance:
    """What is accepted.

    Attributes
    ----------
    ordinary_from
        First day that may be ordinary, ``YYYY-MM-DD``; empty if a person never said so.
    by_person, by_model
        Windows that end until then were accepted, by a person all of them, by a new model those whose data were no fault.
    """

    ordinary_from: str = ""
    by_person: datetime = BEGINNING
    by_model: datetime = BEGINNING

    def covers(self, window: Interval, verdict: DriftVerdict) -> bool:
        """Tell whether what a verdict found in a window is accepted."""
        return window.end <= self.by_person or (window.start < self.by_model and verdict.route != "fix_data")


def acceptance(store: LoopStore, interval: Interval) -> Acceptance:
    """Return what is accepted when a window is judged.

    Parameters
    ----------
    store
        Tables of the loop: decisions and deployments.
    interval
        The window; what was accepted or deployed after it does not count.
    """
    accepted = [each for each in find(store, AcceptedNormal) if each.until <= interval.end]
    deployed = [each.live_from for each in history(store) if each.action == "deploy" and each.live_from <= interval.end]
    by_model = max(deployed, default=BEGINNING)
    if not accepted:
        return Acceptance(by_model=by_model)
    return Acceptance(accepted[-1].subject, accepted[-1].until, by_model)


def accept_normal(store: LoopStore, first: date, interval: Interval) -> AcceptedNormal:
    """Record that a person takes the days from ``first`` to a window's end for ordinary, and none before; once.

    Parameters
    ----------
    store
        Tables of the loop.
    first
        First ordinary day.
    interval
        The window.
    """
    reason = (
        f"Days from {first} on are ordinary and those before it no longer, says who started the run on {interval.key}."
    )
    return record(
        store, AcceptedNormal(subject=first.isoformat(), outcome="accepted", reasons=(reason,), until=interval.end)
    )
