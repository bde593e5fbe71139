"""Open and read the tables of one loop: Delta Lake on a folder or an object store."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.errors import StoreError, VersionGoneError
from include.foundation.store.rows import conform, misfits
from include.foundation.store.scanning import Filter, scan
from include.foundation.store.schemas import TableSchema, schemas

READAHEAD = 16  # files of a table that is read whole
UPDATE = "; if a newer version wrote the table, update this one"


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
    """

    def __init__(self, loop: Loop, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.loop = loop
        self.uri = f"{resolve(uri).rstrip('/')}/{loop.name}"
        self.options = dict(storage_options or {})
        self._schemas = schemas(loop)
        self._opened = threading.local()  # table by name: bringing one up to date costs a tenth of opening it

    def read(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        filters: Filter | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Return rows of a table, sorted by its key; a table that was never written is empty.

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
        if table is None:
            return pa.schema([schema.columns.field(column) for column in wanted]).empty_table()
        present = {field.name for field in table.schema().fields}
        read = list(dict.fromkeys([*wanted, *schema.key]))
        there = [column for column in read if column in present]
        days = [condition for condition in filters or [] if condition[0] in schema.partition_by]
        files = table.to_pyarrow_dataset(filesystem=self._file_system(name), file_pruning_predicate=days or None)
        schema_there = pa.schema([files.schema.field(column) for column in there])
        rows = pa.Table.from_batches(scan(files, there, filters, readahead=READAHEAD), schema_there)
        rows = conform(rows, pa.schema([schema.columns.field(column) for column in read]), name)
        return rows.sort_by([(column, "ascending") for column in schema.key]).select(wanted)

    def version(self, name: str) -> int | None:
        """Return the newest version of a table, or None if it was never written."""
        table = self.open_table(name)
        return None if table is None else int(table.version())

    def schema(self, name: str) -> pa.Schema:
        """Return the columns of a table."""
        return self.table_schema(name).columns

    def dataset(self, name: str, partitions: Filter | None = None, version: int | None = None) -> Any:
        """Return a table's files, all or those of some partitions, as a ``pyarrow.dataset.FileSystemDataset``; None if none."""
        table = self.open_table(name, version)
        return (
            None
            if table is None
            else table.to_pyarrow_dataset(filesystem=self._file_system(name), file_pruning_predicate=partitions)
        )

    def days(self, name: str) -> list[str]:
        """Return the days, in order, that a table which is partitioned by ``day`` has rows of; no file of it is read."""
        table = self.open_table(name)
        return [] if table is None else sorted(found["day"] for found in table.partitions())

    def open_table(self, name: str, version: int | None = None) -> DeltaTable | None:
        """Return a table at a version, the newest by default; None if it was never written.

        Raises
        ------
        StoreError
            If the table cannot be read, or its columns are not those that the loop file and this version give it.
        """
        schema, uri = self.table_schema(name), f"{self.uri}/{name}"
        opened: dict[str, DeltaTable] = self._opened.__dict__
        table = opened.get(name)
        try:
            if table is not None and version is None:
                table.update_incremental()
            elif table is None or table.version() != version:
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
        if problems := misfits(table, schema.columns):
            raise StoreError(f"{uri}: columns do not fit; name an input whose type changed anew{UPDATE}", problems)
        if version is None:
            opened[name] = table
        return table

    def table_schema(self, name: str) -> TableSchema:
        """Return a table's columns, key and partitions."""
        if name not in self._schemas:
            raise StoreError(f"No table {name!r}; there are: {', '.join(sorted(self._schemas))}")
        return self._schemas[name]

    @property
    def s3_client_options(self) -> dict[str, str]:
        """Credentials and endpoint as ``boto3.client`` takes them."""
        names = {
            "AWS_ACCESS_KEY_ID": "aws_access_key_id",
            "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
            "AWS_SESSION_TOKEN": "aws_session_token",
            "AWS_REGION": "region_name",
            "AWS_ENDPOINT_URL": "endpoint_url",
        }
        return {names[name]: value for name, value in self.options.items() if name in names}

    def _file_system(self, name: str) -> pa_fs.FileSystem | None:
        """Return Arrow's own file system for local tables; deltalake's, through Python, for an object store.

        The latter's threads may outlive the interpreter, which then aborts at its end.
        """
        if "://" in self.uri:
            return None
        return pa_fs.SubTreeFileSystem(f"{self.uri}/{name}", pa_fs.LocalFileSystem())


def advice(error: Exception) -> str:
    """Return what to do about an error of a table, to be put behind it.

    Examples
    --------
    >>> advice(OSError(28, "No space left on device"))
    '; make room there and run the task again'
    """
    if "No space left" in str(error):
        return "; make room there and run the task again"
    return UPDATE if "nsupported" in str(error) else ""
