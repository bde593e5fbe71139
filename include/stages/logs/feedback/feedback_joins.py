"""Feedback that is in the store: bursts are held back in it, and it is joined to predictions by trace id."""

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.intervals import Interval, moved
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.logs.feedback.bursts import JUDGED, held_back
from include.stages.logs.slices.read_ledger import read_in

BURST_COLUMNS = ("feedback_id", "ts", "kind", "signal", "user_key", "source")
JUDGEABLE: Filter = [("kind", "=", "explicit"), ("signal", "in", list(JUDGED))]  # no others are in a burst
MOST_SPANS = 16
CHUNK = 5_000  # signals marked in one commit


def hold_back_bursts(store: LoopStore, interval: Interval) -> int:
    """Mark the stored signals that are part of a burst, and return how many of those looked at are.

    A signal that was in no burst when it came may be in one once others have come; none is ever released.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Signals of its look-back, and of the files its runs read however old they say they are, are looked at, with those
        within ``feedback.burst_minutes`` of them.
    """
    margin = timedelta(minutes=store.loop.feedback.burst_minutes)
    window = interval.widened(store.loop.logs.look_back_hours)
    moments = [window.start, window.end, *_moments_read(store, interval, window)]
    held: set[str] = set()
    for start, end in _spans(moments, margin, window):
        near: Filter = [("ts", ">=", start), ("ts", "<=", end)]
        rows = store.read("feedback", columns=[*BURST_COLUMNS, "held_back"], filters=[*near, *JUDGEABLE]).to_pylist()
        bursts = held_back(store.loop.feedback, rows)
        fresh = [row["feedback_id"] for row in rows if row["held_back"] is None and row["feedback_id"] in bursts]
        for ids in (fresh[first : first + CHUNK] for first in range(0, len(fresh), CHUNK)):
            whole = store.read("feedback", filters=[*near, ("feedback_id", "in", ids)]).to_pylist()
            marked = [row | {"held_back": bursts[row["feedback_id"]]} for row in whole]
            store.replace_where("feedback", rows_of(store.loop, "feedback", marked), "feedback_id", ids)
        held |= bursts.keys()
    return len(held)


def _moments_read(store: LoopStore, interval: Interval, window: Interval) -> list[datetime]:
    """Return the times of the signals outside a window, in the files that the interval's runs read."""
    files = sorted({entry.name for entry in read_in(store, "feedback", interval)})
    if not files:
        return []
    read = store.read("feedback", columns=["ts"], filters=[("file", "in", files), *JUDGEABLE])
    return [moment for moment in read.column("ts").to_pylist() if not window.start <= moment < window.end]


def _spans(moments: list[datetime], margin: timedelta, window: Interval) -> list[tuple[datetime, datetime]]:
    """Return spans that cover what is near the moments and the window.

    Parameters
    ----------
    moments
        Times, in any order; the two bounds of the window are among them.
    margin
        How far from them is near.
    window
        Is covered by one span.

    Returns
    -------
    list of tuple
        Start and end of each span, in order; one from the first to the last if there were more than `MOST_SPANS`.
    """
    spans: list[tuple[datetime, datetime]] = []
    for moment in sorted(moments):
        start, end = moved(moment, -margin), moved(moment, margin)
        if spans and (start <= spans[-1][1] or moment == window.end):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans if len(spans) <= MOST_SPANS else [(spans[0][0], spans[-1][1])]


def orphaned(store: LoopStore, interval: Interval) -> int:
    """Return how many signals of an interval and its look-back are about predictions that have not come yet."""
    return len(orphans(store, interval))


def orphans(store: LoopStore, interval: Interval) -> pa.ChunkedArray:
    """Return the trace ids of those signals."""
    window = interval.widened(store.loop.logs.look_back_hours)
    signals = store.read(
        "feedback", columns=["trace_id"], filters=[("ts", ">=", window.start), ("ts", "<", window.end)]
    ).column("trace_id")
    if len(signals) == 0:
        return signals
    earliest = window.start - timedelta(days=store.loop.logs.repeat_days)
    predictions = store.read(
        "predictions", columns=["trace_id"], filters=[("ts", ">=", earliest), ("trace_id", "in", signals.to_pylist())]
    ).column("trace_id")
    return signals.filter(pc.invert(pc.is_in(signals, predictions)))
