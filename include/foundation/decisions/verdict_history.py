"""The drift verdicts of earlier windows, newest first, read no further back than is asked for."""

from collections.abc import Iterator
from datetime import datetime

from include.foundation.decisions.chain import find, subjects
from include.foundation.decisions.drift_verdict import DriftVerdict
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

AT_ONCE = 8


def verdicts_back(store: LoopStore, before: datetime | None = None) -> Iterator[tuple[Interval, DriftVerdict]]:
    """Yield each window that was judged, with the newest verdict on it, from the last window to the first.

    Parameters
    ----------
    store
        Tables of the loop.
    before
        Only windows that ended by then; all by default.
    """
    windows = map(Interval.from_key, subjects(store, DriftVerdict))
    past = sorted((window for window in windows if before is None or window.end <= before), key=lambda each: each.end)
    while past:
        newest_first, past = past[-AT_ONCE:][::-1], past[:-AT_ONCE]
        found = {verdict.subject: verdict for verdict in find(store, DriftVerdict, [each.key for each in newest_first])}
        yield from ((window, found[window.key]) for window in newest_first)
