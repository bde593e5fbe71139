"""The reader of one loop's tables: Delta Lake in a folder or on an object store."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, StoreError, VersionGoneError
from include.foundation.store.kept_rows import KeptRows
from include.foundation.store.objects.object_store import ObjectStore
from include.foundation.store.objects.opening import objects_at
from include.foundation.store.objects.s3_objects import client_options
from include.foundation.store.rows import conform, misfits
from include.foundation.store.scanning import Filter, days_of, is_never_met, scan
from include.foundation.store.schemas import schemas
from include.foundation.store.table_advice import UPDATE, advice
from include.foundation.store.table_schema import TableSchema, plain
from include.foundation.uris import is_remote

MISREAD = re.compile(r"[\[\]\\^|\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")
COMMIT = re.compile(r"(\d{20})\.json")
READAHEAD = 16  # files, of a table that is read whole


class TableReader:
    """The tables of one loop, to be read.

    Parameters
    ----------
    loop
        The loop; its tables live in ``<uri>/<loop name>/<table>``.
    uri
        A folder, or an object-store URI such as ``s3://bucket/store``.
    storage_options
        Credentials and endpoint as ``deltalake`` takes them.

    Raises
    ------
    ConfigError
        If Delta Lake would take the URI for another one, or end the process over it.
    """

    def __init__(self, loop: Loop, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        if odd := MISREAD.search(uri := resolve(uri)):
            raise ConfigError(
                f"feedback_store: got {odd[0]!r} in {uri!r}, which Delta Lake misreads; "
                r"give a path without [ ] \ ^ |, control characters, and % before two digits"
            )
        self.loop = loop
        self.uri = f"{uri.rstrip('/')}/{loop.name}"
        self.options = dict(storage_options or {})
        self._schemas = schemas(loop)
        self._opened = threading.local()  # tables by name: updating one takes a tenth of the time of opening it
        self._kept = KeptRows()

    def read(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        filters: Filter | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Return rows of a table, sorted by its key; a table that was never written is empty.

        Rows of a ledger, which is a table without partitions, are kept until it has another version, see `KeptRows`.

        Parameters
        ----------
        name
            Table name, one of `include.foundation.store.schemas.schemas`.
        columns
            Columns wanted, all by default.
        filters
            Conditions that all must hold, as ``(column, operator, value)`` with ``= != < <= > >= in``.
        version
            Table version to travel to; the newest by default.

        Raises
        ------
        StoreError
            If the table was written by a newer format, or the version is not there any more (`VersionGoneError`).
        """
        schema = self.table_schema(name)
        table = self.open_table(name, version)
        wanted = list(columns or schema.columns.names)
        present = set() if table is None else {field.name for field in table.schema().fields}
        if table is None or any(is_never_met(condition, present) for condition in filters or []):
            return pa.schema([schema.columns.field(column) for column in wanted]).empty_table()
        if schema.partition_by or any(operator == "in" for _, operator, _ in filters or []):
            return self._scanned(schema, table, wanted, filters)
        asked = (*wanted, str(filters))
        return self._kept.rows(name, int(table.version()), asked, lambda: self._scanned(schema, table, wanted, filters))

    def read_stored(self, name: str, version: int) -> pa.Table:
        """Return the rows of a table as a version has them, sorted by its key, whatever columns the loop file gives it today.

        Columns of inputs and segments that came later are not among them, and those that have gone since are.

        Parameters
        ----------
        name
            Table name.
        version
            Table version to travel to.

        Raises
        ------
        StoreError
            As `read` does.
        """
        schema = self.table_schema(name)
        table = self.open_table(name, version)
        if table is None:
            return schema.columns.empty_table()
        known = {field.name: field for field in schema.columns}
        stored = [known.get(field.name) or plain(field) for field in pa.schema(table.schema().to_arrow())]
        schema = replace(schema, columns=pa.schema(stored))
        return self._kept.rows(
            name, version, "as stored", lambda: self._scanned(schema, table, schema.columns.names, None)
        )

    def _scanned(self, schema: TableSchema, table: DeltaTable, wanted: list[str], filters: Filter | None) -> pa.Table:
        read = list(dict.fromkeys([*wanted, *schema.key]))
        present = {field.name for field in table.schema().fields}
        stored = [column for column in read if column in present]
        partitions = [condition for condition in filters or [] if condition[0] in schema.partition_by]
        if "day" in schema.partition_by:
            partitions += days_of(filters or [])
        files = self._files(schema.name, table, partitions or None)
        stored_schema = pa.schema([files.schema.field(column) for column in stored])
        rows = pa.Table.from_batches(scan(files, stored, filters, readahead=READAHEAD), stored_schema)
        rows = conform(rows, pa.schema([schema.columns.field(column) for column in read]), schema.name)
        return rows.sort_by([(column, "ascending") for column in schema.key]).select(wanted)

    def version(self, name: str) -> int | None:
        """Return the newest version of a table, or None if it was never written."""
        table = self.open_table(name)
        return None if table is None else int(table.version())

    def listed_version(self, name: str) -> int | None:
        """Return the newest version of a table by the names in its log alone, without opening it; None if there is no log."""
        names = self.objects.names_in(f"{self.uri}/{name}/_delta_log")
        return max((int(match[1]) for match in map(COMMIT.fullmatch, names) if match), default=None)

    def schema(self, name: str) -> pa.Schema:
        """Return the columns of a table."""
        return self.table_schema(name).columns

    def dataset(self, name: str, partitions: Filter | None = None, version: int | None = None) -> Any:
        """Return a table's files as a ``pyarrow.dataset.FileSystemDataset``; None if the table was never written.

        Parameters
        ----------
        name
            Table name.
        partitions
            Conditions on the columns it is partitioned by; all files by default.
        version
            Table version to travel to; the newest by default.
        """
        table = self.open_table(name, version)
        return None if table is None else self._files(name, table, partitions)

    def days(self, name: str) -> list[str]:
        """Return the days that a table partitioned by ``day`` has rows of, in order, from its log alone."""
        table = self.open_table(name)
        return [] if table is None else sorted(partition["day"] for partition in table.partitions())

    def open_table(self, name: str, version: int | None = None) -> DeltaTable | None:
        """Return a table at a version, the newest by default; None if it was never written.

        Raises
        ------
        StoreError
            If the table cannot be read, or its columns are not those that the loop file and this version give it.
        """
        uri = f"{self.uri}/{self.table_schema(name).name}"
        opened: dict[str, DeltaTable] = self._opened.__dict__
        table = opened.get(name)
        before = None if table is None else table.version()
        try:
            if table is not None and version is None:
                table.update_incremental()
            elif before != version or table is None:
                table = DeltaTable(uri, version=version, storage_options=self.options or None)
        except TableNotFoundError as error:
            if version is None or self.version(name) is None:
                return None
            raise VersionGoneError(
                f"{uri}: version {version} is not there any more: Delta's log of it was removed"
            ) from error
        except Exception as error:
            newest = "newest" if version is None else version
            raise StoreError(f"{uri}: cannot read version {newest}: {error}{advice(error)}") from error
        if table.version() != before:
            self._demand_fit(name, table)
        if version is None:
            opened[name] = table
        return table

    def _demand_fit(self, name: str, table: DeltaTable) -> None:
        """Refuse a table whose columns are not those that the loop file and this version give it."""
        if problems := misfits(table, self.table_schema(name).columns):
            self._opened.__dict__.pop(name, None)  # so that it is looked at again
            raise StoreError(
                f"{self.uri}/{name}: columns do not fit; give an input whose type changed another name{UPDATE}",
                problems,
            )

    @property
    def table_names(self) -> list[str]:
        """Names of the tables that a loop can have."""
        return list(self._schemas)

    def table_schema(self, name: str) -> TableSchema:
        """Return a table's columns, key and partitions."""
        if name not in self._schemas:
            raise StoreError(f"No table {name!r}; there are: {', '.join(sorted(self._schemas))}")
        return self._schemas[name]

    @property
    def s3_client_options(self) -> dict[str, str]:
        """Credentials and endpoint as ``boto3.client`` takes them."""
        return client_options(self.options)

    @cached_property
    def objects(self) -> ObjectStore:
        """What reads and writes the objects beside the tables."""
        return objects_at(self.uri, self.s3_client_options)

    def _files(self, name: str, table: DeltaTable, partitions: Filter | None) -> Any:
        """Return an open table's files, on Arrow's own file system, or on that of ``deltalake`` for an object store.

        Threads of the latter may outlive the interpreter, which then aborts when it ends: it is used only where it must be.
        """
        local = pa_fs.LocalFileSystem()
        system = None if is_remote(self.uri) else pa_fs.SubTreeFileSystem(f"{self.uri}/{name}", local)
        return table.to_pyarrow_dataset(filesystem=system, file_pruning_predicate=partitions)
