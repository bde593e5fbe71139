"""Rows of late: those of the last days, or the newest ones where these are more."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc


def newest_rows(rows: pa.Table, days: float, fewest: int) -> pa.Table:
    """Return the rows of so many days before the newest one, or the newest ``fewest`` if those are more.

    Parameters
    ----------
    rows
        Have ``ts`` and ``trace_id``. Their order is kept. Of rows of one time those with the larger trace id count as newer.
    days
        How far back, to the moment; a row of that moment counts.
    fewest
        Number of rows.

    Examples
    --------
    >>> from datetime import datetime
    >>> rows = pa.table({"ts": [datetime(2026, 11, day) for day in (5, 1, 1, 9)], "trace_id": ["a", "b", "c", "d"]})
    >>> newest_rows(rows, 4, 1).column("trace_id").to_pylist(), newest_rows(rows, 4, 3).column("trace_id").to_pylist()
    (['a', 'd'], ['a', 'c', 'd'])
    """
    if not rows.num_rows:
        return rows
    times = rows.column("ts")
    since = pc.max(times).as_py() - timedelta(days=days)
    recent = pc.sum(pc.greater_equal(times, pa.scalar(since, times.type))).as_py()
    oldest_first = pc.sort_indices(rows, sort_keys=[("ts", "ascending"), ("trace_id", "ascending")])
    kept = oldest_first.slice(max(0, rows.num_rows - max(recent, fewest)))
    return rows.take(pa.array(sorted(kept.to_pylist()), pa.int64()))
