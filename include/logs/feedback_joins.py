"""Feedback and the predictions it is about: joined by trace id when it is used, so that either may come first."""

from datetime import timedelta

import pyarrow as pa

from include.logs.bursts import held_back
from include.store.interval import Interval
from include.store.tables import LoopStore, rows_of


def hold_back_bursts(store: LoopStore, interval: Interval) -> int:
    """Mark the stored signals around an interval that are part of a burst, and return how many are held back there.

    A signal that was not in a burst when it came may be in one once others have come; none is ever released.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Signals of its look-back and of ``feedback.burst_minutes`` around are looked at.
    """
    policy = store.loop.feedback
    margin = timedelta(minutes=policy.burst_minutes)
    window = interval.widened(store.loop.logs.look_back_hours)
    near = [("ts", ">=", window.start - margin), ("ts", "<", window.end + margin)]
    rows = store.read("feedback", filters=near).to_pylist()
    found = held_back(policy, rows)
    changed = [
        row | {"held_back": found[row["feedback_id"]]}
        for row in rows
        if row["held_back"] is None and row["feedback_id"] in found
    ]
    if changed:
        store.update_rows("feedback", rows_of(store.loop, "feedback", changed))
    return len(found)


def orphaned(store: LoopStore, interval: Interval) -> int:
    """Return how many signals of an interval and its look-back are about predictions that have not come yet."""
    window = interval.widened(store.loop.logs.look_back_hours)
    said = store.read(
        "feedback", columns=["trace_id"], filters=[("ts", ">=", window.start), ("ts", "<", window.end)]
    ).column("trace_id")
    if len(said) == 0:
        return 0
    earliest = window.start - timedelta(days=store.loop.logs.repeat_days)
    there = store.read(
        "predictions", columns=["trace_id"], filters=[("ts", ">=", earliest), ("trace_id", "in", said.to_pylist())]
    )
    return int(pa.compute.sum(pa.compute.invert(pa.compute.is_in(said, there.column("trace_id")))).as_py() or 0)
