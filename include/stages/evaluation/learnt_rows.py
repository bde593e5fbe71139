"""What a challenger has trained on: which rows of production it knows as it will know those of tomorrow."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import PublishedDataset, RetrainPlan, latest
from include.foundation.errors import VersionGoneError
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import is_held_out
from include.stages.selection.content import group_keys, keys_of
from include.stages.selection.first_asks import FirstAsks, first_asks

KNOWN, UNKNOWN, CHOSEN = "known", "unknown", "chosen"
LATE = 4  # part of the time whose rows tell how many are known
FEWEST, MOST = 50, 4000  # of these rows: how many tell anything, and how many are looked at


def asks_of(store: LoopStore, challenger_key: str) -> FirstAsks:
    """Return since when what a challenger trained on was asked about; where its labels are gone, what any model trains on."""
    plan = latest(store, RetrainPlan, challenger_key)
    published = latest(store, PublishedDataset, plan.dataset) if plan else None
    if published is not None:
        try:
            return first_asks(store, published.labels_version, challenger_key)
        except VersionGoneError:
            pass
    return first_asks(store, challenger_key=challenger_key)


def kinds_of(loop: Loop, rows: pa.Table, asks: FirstAsks) -> NDArray[np.str_]:
    """Return of each logged row whether a challenger knows it as it will know rows of tomorrow.

    Tomorrow it will know a content, or a group, that was asked about before. One that was asked about afterwards was chosen
    among these very rows, and may never be served again.

    Parameters
    ----------
    loop
        Names inputs and group.
    rows
        Rows of ``predictions``.
    asks
        Of the challenger.

    Returns
    -------
    ndarray of str, (n,)
        `KNOWN`, `UNKNOWN`, or `CHOSEN`; with groups, rows of new groups are unknown where a hash holds them out, and stand for
        the others, which are chosen or might have been.
    """
    groups, served = group_keys(loop, rows), rows.column("ts").to_pylist()
    contents = keys_of(loop, rows) if None in groups else [""] * rows.num_rows
    kinds = [
        _kind(asks.is_known(content, group, moment), group)
        for content, group, moment in zip(contents, groups, served, strict=True)
    ]
    return np.array(kinds, dtype=np.str_)


def _kind(is_known: bool | None, group: str | None) -> str:
    if is_known is None:
        return UNKNOWN if group is None or is_held_out(group) else CHOSEN
    return KNOWN if is_known else CHOSEN


def known_share(store: LoopStore, asks: FirstAsks, since: datetime) -> float | None:
    """Return which share of late rows was known before it was served; None if these are few.

    While a loop learns it grows: rows of weeks ago were known less often than those of tomorrow will be.

    Parameters
    ----------
    store
        Tables of the loop.
    asks
        Of the challenger.
    since
        From when on rows judge the challenger: the last quarter of that time is late, and a day at least.
    """
    newest = newest_moment(store, "predictions")
    if newest is None:
        return None
    begin = newest - max(timedelta(days=1), (newest - since) / LATE)
    days = [f"{begin + timedelta(days=number):%Y-%m-%d}" for number in range((newest.date() - begin.date()).days + 1)]
    columns, kinds = ["ts", *store.loop.input_columns.values()], defaultdict[str, float](float)
    for day in days:
        served = store.read("predictions", columns=["trace_id"], filters=[("day", "=", day), ("ts", ">", begin)])
        some = np.linspace(0, served.num_rows - 1, min(served.num_rows, MOST // len(days))).astype(np.int64)
        looked_at = served.column("trace_id").take(pa.array(some)).to_pylist()
        rows = store.read("predictions", columns=columns, filters=[("day", "=", day), ("trace_id", "in", looked_at)])
        for kind, count in Counter(kinds_of(store.loop, rows, asks).tolist()).items():
            kinds[kind] += count * served.num_rows / some.size
    everything = sum(kinds.values())
    return kinds[KNOWN] / everything if everything >= FEWEST else None
