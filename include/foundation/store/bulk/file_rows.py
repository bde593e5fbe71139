"""Look up single rows in a table's files: by one column, then all columns, with few rows in memory at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from include.foundation.errors import StoreError
from include.foundation.store.bulk.day_batches import ROWS, by_row_group

Rows = NDArray[np.int64]
FEW = 1 << 14  # whole rows that are in memory at a time, twice


def files_by_day(dataset: Any, days: Sequence[str]) -> dict[str, str]:
    """Return the day of each file, by its path, of a dataset that is partitioned by ``day``; empty without a dataset."""
    if dataset is None:
        return {}
    return {file.path: day for day in days for file in dataset.get_fragments(pc.field("day") == day)}


def column_with_places(dataset: Any, paths: Sequence[str], column: str) -> pa.RecordBatchReader:
    """Stream a text column of files, with the place of each value.

    Parameters
    ----------
    dataset
        Has the files.
    paths
        The files, in the order that ``file`` counts.
    column
        A text column of each of them.

    Returns
    -------
    pyarrow.RecordBatchReader
        The column; ``file``, int32, the file's place in ``paths``; and ``row``, int64, the row's place in the file, from 0.

    Raises
    ------
    StoreError
        While it is read, if a file cannot be.
    """
    schema = pa.schema([(column, pa.string()), ("file", pa.int32()), ("row", pa.int64())])
    return pa.RecordBatchReader.from_batches(schema, _placed(dataset, paths, column, schema))


def picked_rows(dataset: Any, path: str, rows: Rows, columns: pa.Schema) -> Iterator[pa.Table]:
    """Yield some rows of a file, in order; a column that the file lacks is null.

    Parameters
    ----------
    dataset
        Has the file.
    path
        The file.
    rows
        Places, int64, (n,), from 0 and increasing.
    columns
        Columns wanted.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_parquet(dataset, path) as file:
        stored = [name for name in columns.names if name in file.schema_arrow.names]
        for group, wanted in places_by_row_group(file, rows):
            if wanted.size:
                for batch, places in places_by_batch(file, group, wanted, stored):
                    if places.size:
                        yield conformed(pa.table(batch), columns).take(places)


def rows_with(dataset: Any, days: Sequence[str], column: str, values: Sequence[str], columns: pa.Schema) -> pa.Table:
    """Return the rows of some days whose text in a column is one of some values, in no particular order.

    Only that column is read of every row; whole rows only in the row groups that have one.

    Parameters
    ----------
    dataset
        Partitioned by ``day``; None has no rows.
    days
        The days.
    column, values
        Of the condition.
    columns
        Columns wanted; one that a file lacks, as ``day``, is null.

    Raises
    ------
    StoreError
        If a file cannot be read.
    """
    paths, wanted = list(files_by_day(dataset, days)), pa.array(values, pa.string())
    places: dict[int, list[Rows]] = {}
    for batch in column_with_places(dataset, paths, column) if paths else ():
        matching = batch.filter(pc.is_in(batch.column(column), value_set=wanted))
        for number in pc.unique(matching.column("file")).to_pylist():  # a batch is of one file
            places.setdefault(number, []).append(matching.column("row").to_numpy())
    tables = [
        table
        for number, rows in places.items()
        for table in picked_rows(dataset, paths[number], np.concatenate(rows), columns)
    ]
    return pa.concat_tables([columns.empty_table(), *tables])


@contextmanager
def opened_parquet(dataset: Any, path: str) -> Iterator[pq.ParquetFile]:
    """Open a file of a dataset; what the block cannot read of it is a `StoreError`.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with dataset.filesystem.open_input_file(path) as opened:
            yield pq.ParquetFile(opened)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error


def places_by_row_group(file: pq.ParquetFile, rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Yield each row group, with those of some increasing places in the file that are in it, counted from its beginning."""
    begin = 0
    for group in range(file.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        yield group, rows[np.searchsorted(rows, begin) : np.searchsorted(rows, end)] - begin
        begin = end


def places_by_batch(
    file: pq.ParquetFile, group: int, rows: Rows, columns: Sequence[str] | None = None
) -> Iterator[tuple[pa.RecordBatch, Rows]]:
    """Yield a row group in batches, each with those of some places in the group that are in it, counted from its beginning.

    Parameters
    ----------
    file
        The file.
    group
        Number of the row group.
    rows
        Places in it, increasing.
    columns
        Columns wanted; all by default.
    """
    begin = 0
    for batch in file.iter_batches(FEW, row_groups=[group], columns=columns, use_threads=False):
        end = begin + batch.num_rows
        yield batch, rows[np.searchsorted(rows, begin) : np.searchsorted(rows, end)] - begin
        begin = end


def _placed(dataset: Any, paths: Sequence[str], column: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for number, path in enumerate(paths):
        first = 0
        with opened_parquet(dataset, path) as file:
            for batch in by_row_group(file, ROWS, [column]):
                count = batch.num_rows
                places = [pa.array(np.full(count, number, np.int32)), pa.array(np.arange(first, first + count))]
                yield pa.RecordBatch.from_arrays([batch.column(0).cast(pa.string()), *places], schema=schema)
                first += count


def conformed(rows: pa.Table, columns: pa.Schema) -> pa.Table:
    """Return rows with exactly some columns, and their types; a column that they lack is null."""
    present = set(rows.column_names)
    arrays = [
        rows.column(field.name).cast(field.type) if field.name in present else pa.nulls(len(rows), field.type)
        for field in columns
    ]  # other writers store other kinds of text, which not all of Arrow can handle
    return pa.Table.from_arrays(arrays, schema=columns)
