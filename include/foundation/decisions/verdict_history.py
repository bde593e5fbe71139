"""The drift verdicts of earlier windows, newest first, read no further back than is asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, time

from include.foundation.decisions.chain import find, subjects
from include.foundation.decisions.drift_verdict import ALL_ROWS, DriftVerdict, PerformanceDetails
from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore

AT_ONCE = 8


def newest_drop(store: LoopStore, since: datetime) -> datetime | None:
    """Return when the accuracy of what was live dropped last, as far as a verdict on a window that ended since then shows it.

    Parameters
    ----------
    store
        Tables of the loop.
    since
        Earlier verdicts are not looked at, and an earlier drop is none.

    Returns
    -------
    datetime or None
        The beginning of the likely day, in UTC.
    """
    drops = []
    for window, verdict in verdicts_back(store):
        if window.end <= since:
            break
        for finding in verdict.monitors:
            if (
                isinstance(finding.details, PerformanceDetails)
                and finding.segment == ALL_ROWS
                and finding.details.changed_on
            ):
                drops.append(datetime.combine(finding.details.changed_on, time(), UTC))
    newest = max(drops, default=None)
    return newest if newest and newest > since else None


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
        verdicts = {
            verdict.subject: verdict for verdict in find(store, DriftVerdict, [each.key for each in newest_first])
        }
        yield from ((window, verdicts[window.key]) for window in newest_first)
