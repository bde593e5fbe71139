"""The rows of an interval that a suite looks at: all, or a uniform sample where they are too many for memory."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.intervals import Interval
from include.foundation.quality.expectations import Suite
from include.foundation.quality.suites import columns_named
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.tables import LoopStore

BATCH_ROWS = 1 << 14
SPREAD = 6.0


def columns_judged(store: LoopStore, suite: Suite) -> list[str]:
    """Return the columns of ``predictions`` that a suite needs: those it names, or all if it is about the table."""
    known = store.schema("predictions").names
    for item in suite["expectations"]:
        by_table = item["type"].startswith("expect_table_column") or not item["type"].startswith("expect_")
        if by_table or "row_condition" in item.get("kwargs", {}):
            return list(known)
    named = {name for item in suite["expectations"] for name in columns_named(item)}
    return [name for name in known if name in named | {"trace_id"}]


def judged_rows(store: LoopStore, interval: Interval, columns: Sequence[str], rows: int, most: int) -> pa.Table:
    """Return the rows of an interval, or ``most`` of them: those whose trace id has the smallest hashes.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Rows with ``start <= ts < end``.
    columns
        Columns wanted, ``trace_id`` among them.
    rows
        How many rows the interval has.
    most
        Most rows to return. The hash does not depend on the content, so each row is as likely as any other to be among them;
        the same table gives the same rows.

    Returns
    -------
    pyarrow.Table
        Sorted by ``trace_id``. Besides them, one batch of ``16,384`` is in memory at a time.
    """
    # a bound on the hash that a few more than `most` rows are below: the rest is dropped batch by batch
    share = 1.0 if rows <= most else min(1.0, (most + SPREAD * most**0.5) / rows)
    schema = pa.schema([store.schema("predictions").field(name) for name in columns])
    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    found = [schema.empty_table()]
    for day in interval.days if dataset is not None else []:
        read = list(dict.fromkeys([*(name for name in columns if name != "day"), "ts"]))
        for batch in day_batches(store, "predictions", day, read, rows=BATCH_ROWS, dataset=dataset):
            found.append(_kept(batch, day, interval, share, schema))
    table = pa.concat_tables(found)
    if table.num_rows > most:
        table = table.take(np.sort(np.argpartition(_hashes(table.column("trace_id")), most)[:most]))
    return table.sort_by("trace_id")


def _kept(batch: pa.RecordBatch, day: str, interval: Interval, share: float, schema: pa.Schema) -> pa.Table:
    """Return the rows of a batch within the interval whose hash is below the bound, as plain columns."""
    import pyarrow.compute as pc

    moments = batch.column("ts")
    inside = pc.and_(pc.greater_equal(moments, pa.scalar(interval.start)), pc.less(moments, pa.scalar(interval.end)))
    below = _hashes(batch.column("trace_id")) <= np.uint64(share * (2**64 - 2**11))
    table = pa.Table.from_batches([batch]).append_column("day", pa.repeat(day, batch.num_rows))
    return table.filter(pc.and_(inside, pa.array(below))).select(schema.names).cast(schema)


def _hashes(column: Any) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each text: the same on every machine, as long as DuckDB does not change it."""
    texts = pa.table({"text": column.cast(pa.string())})
    found = _database().from_arrow(texts).project("hash(text) AS hashed").fetchnumpy()["hashed"]
    return np.asarray(found, np.uint64)


@lru_cache(maxsize=1)
def _database() -> Any:
    import duckdb

    return duckdb.connect(config={"threads": 1})
