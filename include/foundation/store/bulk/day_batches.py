"""Read a table day by day, in batches, so that no day is held in memory as a whole."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.foundation.errors import StoreError
from include.foundation.intervals import Interval
from include.foundation.store.scanning import readable
from include.foundation.store.tables import LoopStore

ROWS = 1 << 16


def day_batches(
    store: LoopStore, name: str, day: str, columns: Sequence[str], *, rows: int = ROWS, dataset: Any = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one day's partition in batches, in no particular order.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        A table that is partitioned by ``day``.
    day
        ``YYYY-MM-DD``, UTC.
    columns
        Columns wanted, without ``day``. Texts are dictionary encoded if they are so in the file. A column that a file lacks is
        null.
    rows
        Most rows of a batch, which bounds memory.
    dataset
        What `LoopStore.dataset` returned for the table and several days, this one among them, if several are read.

    Raises
    ------
    StoreError
        If a file cannot be read.
    """
    dataset = store.dataset(name, [("day", "=", day)]) if dataset is None else dataset
    if dataset is None:
        return
    fields = [store.schema(name).field(column) for column in columns]
    texts = [field.name for field in fields if field.type == pa.string()]
    for fragment in dataset.get_fragments(pc.field("day") == day):
        try:
            with dataset.filesystem.open_input_file(fragment.path) as opened:
                metadata = pq.read_metadata(opened)
                names = set(metadata.schema.to_arrow_schema().names)
                stored = [field.name for field in fields if field.name in names]
                encoded = [name for name in texts if name in names]
                file = pq.ParquetFile(opened, metadata=metadata, read_dictionary=encoded)
                for batch in by_row_group(file, rows, stored):
                    yield _with_nulls(batch, fields)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{store.uri}/{name}/{fragment.path}: cannot be read: {error}") from error


def by_row_group(file: pq.ParquetFile, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows in batches, one row group at a time: ``iter_batches`` alone keeps the whole file in memory.

    Parameters
    ----------
    file
        Parquet file.
    rows
        Most rows of a batch.
    columns
        Columns wanted; all by default.
    """
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=columns, use_threads=False)


def _with_nulls(batch: pa.RecordBatch, fields: Sequence[pa.Field]) -> pa.RecordBatch:
    if batch.num_columns == len(fields):
        return batch
    names = set(batch.schema.names)
    columns = [
        batch.column(field.name) if field.name in names else pa.nulls(batch.num_rows, field.type) for field in fields
    ]
    return pa.RecordBatch.from_arrays(columns, names=[field.name for field in fields])


def rows_between(store: LoopStore, name: str, interval: Interval) -> int:
    """Return how many rows of an interval a table has.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        A table that is partitioned by ``day`` and has a column ``ts``.
    interval
        Its rows are counted.
    """
    dataset = store.dataset(name, [("day", "in", interval.days)])
    if dataset is None:
        return 0
    moment = pc.field("ts")
    with readable():
        return int(dataset.count_rows((moment >= interval.start) & (moment < interval.end)))


def newest_moment(store: LoopStore, name: str, until: datetime | None = None) -> datetime | None:
    """Return the newest ``ts`` of a table that is partitioned by ``day``, from its last day alone; None without rows.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        Of the table.
    until
        Rows after it are left out, such as those of the future; none are by default.
    """
    for day in reversed(store.days(name)):
        if until is None or day <= f"{until:%Y-%m-%d}":
            late = [] if until is None else [("ts", "<=", until)]
            newest = pc.max(store.read(name, columns=["ts"], filters=[("day", "=", day), *late]).column("ts")).as_py()
            if newest is not None:
                return cast("datetime", newest)
    return None
