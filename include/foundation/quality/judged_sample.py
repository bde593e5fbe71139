"""The rows of an interval that a suite looks at: all of them, or a uniform sample if memory cannot hold all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.intervals import Interval
from include.foundation.quality.expectations import Suite
from include.foundation.quality.suites import columns_named
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.hash_database import hash_cursor
from include.foundation.store.tables import LoopStore

BATCH_ROWS = 1 << 14
SPREAD = 6.0


def columns_judged(store: LoopStore, suite: Suite) -> list[str]:
    """Return the columns of ``predictions`` that a suite needs: those it names, or all if it is about the whole table."""
    known = store.schema("predictions").names
    for item in suite["expectations"]:
        on_table = item["type"].startswith("expect_table_column") or not item["type"].startswith("expect_")
        if on_table or "row_condition" in item.get("kwargs", {}):
            return list(known)
    named = {name for item in suite["expectations"] for name in columns_named(item)}
    return [name for name in known if name in named | {"trace_id"}]


def sampled_rows(store: LoopStore, interval: Interval, columns: Sequence[str], rows: int, most: int) -> pa.Table:
    """Return the rows of an interval, or ``most`` of them: the rows whose trace ids have the smallest hashes.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Rows with ``start <= ts < end``.
    columns
        Columns to return; ``trace_id`` is one of them.
    rows
        Number of rows in the interval.
    most
        Largest number of rows to return. The hash does not depend on what the rows say, so each row is as likely as any
        other to be among them, and the same table always gives the same rows.

    Returns
    -------
    pyarrow.Table
        Sorted by ``trace_id``; empty if the interval has no rows.

    Notes
    -----
    Besides the rows that are returned, one batch of 16,384 rows is in memory at a time.
    """
    # A few more than `most` rows have a hash below this share: batch by batch, the rest is dropped.
    share = 1.0 if rows <= most else min(1.0, (most + SPREAD * most**0.5) / rows)
    schema = pa.schema([store.schema("predictions").field(name) for name in columns])
    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    samples = [schema.empty_table()]
    for day in interval.days if dataset is not None else []:
        read = list(dict.fromkeys([*(name for name in columns if name != "day"), "ts"]))
        for batch in day_batches(store, "predictions", day, read, rows=BATCH_ROWS, dataset=dataset):
            samples.append(_kept(batch, day, interval, share, schema))
    table = pa.concat_tables(samples)
    if table.num_rows > most:
        table = table.take(np.sort(np.argpartition(_hashes(table.column("trace_id")), most)[:most]))
    return table.sort_by("trace_id")


def _kept(batch: pa.RecordBatch, day: str, interval: Interval, share: float, schema: pa.Schema) -> pa.Table:
    """Return the rows of a batch that are inside the interval and whose hash is below the share, as plain columns."""
    import pyarrow.compute as pc

    moments = batch.column("ts")
    inside = pc.and_(pc.greater_equal(moments, pa.scalar(interval.start)), pc.less(moments, pa.scalar(interval.end)))
    below = _hashes(batch.column("trace_id")) <= np.uint64(share * (2**64 - 2**11))
    table = pa.Table.from_batches([batch]).append_column("day", pa.repeat(day, batch.num_rows))
    return table.filter(pc.and_(inside, pa.array(below))).select(schema.names).cast(schema)


def _hashes(column: Any) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each text, which is the same on every machine for as long as DuckDB does not change it."""
    texts = pa.table({"text": column.cast(pa.string())})
    hashes = hash_cursor().from_arrow(texts).project("hash(text) AS hashed").fetchnumpy()["hashed"]
    return np.asarray(hashes, np.uint64)
