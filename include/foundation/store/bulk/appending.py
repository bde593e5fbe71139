"""Append Parquet files that were written before the commit, for more rows than memory holds."""

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from include.foundation.errors import StoreError
from include.foundation.store.compaction import CONFIGURATION, LEVEL, ROWS_A_GROUP
from include.foundation.store.table_advice import advice
from include.foundation.store.tables import LoopStore

FileAction: TypeAlias = AddAction | RemoveAction
PREFIX, LAST = 32, "\U0010ffff"  # characters of a text that statistics keep, and the last one in the order of texts


def write_day(
    store: LoopStore,
    name: str,
    day: str,
    batches: Iterable[pa.RecordBatch],
    repetitive: Sequence[str],
    schema: pa.Schema | None = None,
) -> AddAction | None:
    """Write the rows of one day to a new file of a table, and return what commits it; None without rows.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        A table that is partitioned by ``day`` and has a column ``ts``.
    day
        ``YYYY-MM-DD``, UTC.
    batches
        Rows with the columns of the schema but ``day``.
    repetitive
        Text columns with few distinct values: they are dictionary encoded.
    schema
        Of the rows; the table's by default.

    Raises
    ------
    StoreError
        If the file cannot be written; nothing is left of it.
    """
    path = f"day={day}/{uuid.uuid4()}.parquet"
    schema = pa.schema([field for field in schema or store.schema(name) if field.name != "day"])
    try:
        with store.objects.created(f"{store.uri}/{name}/{path}") as target:
            rows, statistics = _write(target, schema, batches, repetitive)
            if rows == 0:
                target.unlink()
                return None
            size = target.stat().st_size
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{store.uri}/{name}/{path}: could not be written: {error}{advice(error)}") from error
    now = int(time.time() * 1000)
    stats = json.dumps(statistics, ensure_ascii=False)  # readers misread escaped surrogate pairs
    return AddAction(path, size, {"day": day}, now, data_change=True, stats=stats)


def add_files(store: LoopStore, name: str, files: Sequence[FileAction], version: int | None) -> bool:
    """Commit files, and that others give way, on top of a version of a table; False if another writer was first.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        Table name.
    files
        What `write_day`, or `rewriting.without_rows`, returned.
    version
        What the files were computed from; None if there was no table.

    Raises
    ------
    StoreError
        If the table cannot be committed to.
    """
    schema, uri = store.table_schema(name), f"{store.uri}/{name}"
    wanted, days = Schema.from_arrow(schema.columns), list(schema.partition_by)
    if version is None:

        def create(fence: CommitProperties) -> None:
            create_table_with_add_actions(
                uri, wanted, _added(files), mode="error", partition_by=days, storage_options=store.options or None,
                configuration={**CONFIGURATION, **schema.properties}, commit_properties=fence,
            )  # fmt: skip

        return store.commit(name, None, create)
    table = store.open_table(name, version)
    if table is None or not _add_columns(store, name, table, wanted):
        return False

    def append(fence: CommitProperties) -> None:
        table.create_write_transaction(list(files), "append", wanted, days, commit_properties=fence)

    return store.commit(name, int(table.version()), append)


def discard(store: LoopStore, name: str, files: Iterable[FileAction]) -> None:
    """Delete files that were not committed.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        Table name.
    files
        As for `add_files`.
    """
    for file in _added(files):
        store.objects.delete(f"{store.uri}/{name}/{file.path}")


def _write(
    target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], repetitive: Sequence[str]
) -> tuple[int, dict[str, Any]]:
    """Write batches and return how many rows they had, and their statistics."""
    rows, bounds = 0, {field.name: _Bounds() for field in schema if not pa.types.is_nested(field.type)}
    with pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=list(repetitive),
        write_statistics=["ts"],
    ) as writer:
        for batch in batches:
            rows += batch.num_rows
            for name, column in bounds.items():
                column.add(batch.column(name), is_repetitive=name in repetitive)
            if batch.num_rows:
                writer.write_batch(batch.cast(schema), row_group_size=ROWS_A_GROUP)
    return rows, {
        "numRecords": rows,
        "minValues": {name: _low(column.low) for name, column in bounds.items() if column.low is not None},
        "maxValues": {name: _high(column.high) for name, column in bounds.items() if column.high is not None},
        "nullCount": {name: column.nulls for name, column in bounds.items()},
    }


@dataclass
class _Bounds:
    """Smallest and largest value of a column so far: readers skip files by these, and a file that has none as well."""

    low: Any = None
    high: Any = None
    nulls: int = 0

    def add(self, values: pa.Array, *, is_repetitive: bool) -> None:
        self.nulls += values.null_count
        # The bounds of few distinct values are computed faster from the distinct ones.
        bounds = pc.min_max(values.unique() if is_repetitive else values).as_py()
        if bounds["min"] is not None:
            self.low = bounds["min"] if self.low is None else min(self.low, bounds["min"])
            self.high = bounds["max"] if self.high is None else max(self.high, bounds["max"])


def _low(value: Any) -> Any:
    if isinstance(value, datetime):
        return _milliseconds(value)
    return value[:PREFIX] if isinstance(value, str) else value


def _high(value: Any) -> Any:
    """Return a bound that is not below the value, although statistics keep only milliseconds and the beginning of a text."""
    if isinstance(value, datetime):
        return _milliseconds(value + timedelta(milliseconds=1))
    is_long = isinstance(value, str) and len(value) > PREFIX and LAST not in value
    return value[:PREFIX] + LAST if is_long else value


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _added(files: Iterable[FileAction]) -> list[AddAction]:
    return [file for file in files if isinstance(file, AddAction)]


def _add_columns(store: LoopStore, name: str, table: DeltaTable, wanted: Schema) -> bool:
    """Add the columns that a table does not have yet; False if another writer was first."""
    present = {field.name for field in table.schema().fields}
    missing = [field for field in wanted.fields if field.name not in present]
    return not missing or store.commit(
        name, int(table.version()), lambda fence: table.alter.add_columns(missing, commit_properties=fence)
    )
