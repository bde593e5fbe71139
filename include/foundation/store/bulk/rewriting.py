"""Take rows out of a table's files: a file is written anew without them, with one row group in memory at a time."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import RemoveAction

from include.foundation.store.bulk.appending import FileAction, write_day
from include.foundation.store.bulk.day_batches import ROWS
from include.foundation.store.bulk.file_rows import Rows, conformed, opened_parquet, places_by_row_group
from include.foundation.store.tables import LoopStore


def without_rows(
    store: LoopStore, name: str, day: str, file: tuple[Any, str], rows: Rows, repetitive: Sequence[str]
) -> list[FileAction]:
    """Write a file of a table anew without some of its rows, and return what commits that.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        A table that is partitioned by ``day``.
    day
        Of the file.
    file
        What `LoopStore.dataset` returned, and the path of one of its files.
    rows
        Places of the rows to leave out, int64, (n,), from 0 and increasing.
    repetitive
        Text columns with few distinct values.

    Raises
    ------
    StoreError
        If the file cannot be read, or the new one not be written.
    """
    dataset, path = file
    removal = RemoveAction(
        path, data_change=True, deletion_timestamp=int(time.time() * 1000), partition_values={"day": day}
    )
    with opened_parquet(dataset, path) as parquet:
        columns = pa.schema([dataset.schema.field(column) for column in parquet.schema_arrow.names])
        kept = write_day(store, name, day, _other_rows(parquet, rows, columns), repetitive, columns)
    return [removal, kept] if kept else [removal]


def _other_rows(file: pq.ParquetFile, rows: Rows, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
    for group, left_out in places_by_row_group(file, rows):
        is_kept = np.ones(file.metadata.row_group(group).num_rows, bool)
        is_kept[left_out] = False
        if is_kept.any():
            read = file.read_row_group(group, use_threads=False)
            yield from conformed(read, columns).filter(pa.array(is_kept)).to_batches(max_chunksize=ROWS)
