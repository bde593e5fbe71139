"""Read and commit the tables of one loop: Delta Lake on a folder or an object store."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.fs as pa_fs
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from pyarrow.parquet import filters_to_expression

from include.config.loading import resolve
from include.config.loop_file import Loop
from include.errors import StoreError
from include.store.compaction import CONFIGURATION, compact
from include.store.digests import table_digest
from include.store.rows import conform, misfits, missing
from include.store.schemas import TableSchema, schemas

ATTEMPTS = 20
UPDATE = "; if a newer version wrote the table, update this one"
Filter = list[tuple[str, str, Any]]
Compute = Callable[[pa.Table], pa.Table]


class LoopStore:
    """The tables of one loop.

    Every write is one atomic commit that does nothing when the rows are there already, so a task that is killed and
    run again leaves the same rows. Two writers never lose an update: a commit is fenced by the version it was computed
    from, and computed again if another came first.

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
            Table name, one of `include.store.schemas.schemas`.
        columns
            Columns wanted, all by default.
        filters
            Conditions that all must hold, as ``(column, operator, value)`` with ``= != < <= > >= in``.
        version
            Table version to travel to; the newest by default.

        Raises
        ------
        StoreError
            If the table was written by a newer format, or the version does not exist.
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
        rows = files.to_table(columns=there, filter=filters_to_expression(filters) if filters else None)
        rows = conform(rows, pa.schema([schema.columns.field(column) for column in read]), name)
        return rows.sort_by([(column, "ascending") for column in schema.key]).select(wanted)

    @property
    def s3_client_options(self) -> dict[str, str]:
        """Credentials and endpoint as ``boto3.client`` takes them."""
        names = {
            "AWS_ACCESS_KEY_ID": "aws_access_key_id",
            "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
            "AWS_REGION": "region_name",
            "AWS_ENDPOINT_URL": "endpoint_url",
        }
        return {names[name]: value for name, value in self.options.items() if name in names}

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

    def _file_system(self, name: str) -> pa_fs.FileSystem | None:
        """Return Arrow's own file system for local tables; deltalake's, through Python, for an object store.

        The latter's threads may outlive the interpreter, which then aborts at its end.
        """
        if "://" in self.uri:
            return None
        return pa_fs.SubTreeFileSystem(f"{self.uri}/{name}", pa_fs.LocalFileSystem())

    def replace_between(self, name: str, rows: pa.Table | Compute, start: datetime, end: datetime) -> bool:
        """Make ``rows`` the only rows with ``start <= ts < end``; tell whether anything changed.

        Parameters
        ----------
        name
            A table with a ``ts`` column.
        rows
            Rows of the table's schema, every ``ts`` within the bounds; or a function that makes them of the rows that
            are there, called again for each attempt, so that no other writer's rows are lost.
        start, end
            Aware datetimes.
        """
        window: Filter = [("ts", ">=", start), ("ts", "<", end)]
        predicate = f"ts >= '{_sql_time(start)}' AND ts < '{_sql_time(end)}'"
        return self._replace(name, rows, window, predicate)

    def replace_where(self, name: str, rows: pa.Table, column: str, values: Sequence[str]) -> bool:
        """Make ``rows`` the only rows whose ``column`` is one of ``values``; tell whether anything changed."""
        if not values:
            return False
        quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        return self._replace(name, rows, [(column, "in", list(values))], f"{column} IN ({quoted})")

    def append_new(self, name: str, rows: pa.Table, among: Filter | None = None) -> pa.Table:
        """Append the rows whose key is not in the table yet and return them; the first row of a key wins.

        Parameters
        ----------
        name
            Table name.
        rows
            Rows of the table's schema.
        among
            Condition that holds for every present row that may have one of the keys, so that not all need be read.
        """
        key = self.table_schema(name).key
        return self.append_computed(name, lambda present: missing(rows, present, key), columns=key, among=among)

    def append_computed(
        self, name: str, compute: Compute, *, columns: Sequence[str] | None = None, among: Filter | None = None
    ) -> pa.Table:
        """Append what ``compute`` makes of the table's present rows, in one commit fenced by their version.

        Parameters
        ----------
        name
            Table name.
        compute
            Called with the present rows, again for each attempt; returns the rows to append.
        columns
            Columns of the present rows that ``compute`` needs, all by default.
        among
            Condition on the present rows that ``compute`` needs, none by default.

        Returns
        -------
        pyarrow.Table
            The rows appended; empty if ``compute`` returned none.

        Raises
        ------
        StoreError
            If other writers won every one of twenty attempts.
        """
        schema = self.table_schema(name)
        for _ in range(ATTEMPTS):
            version = self.version(name)
            present = self.read(name, version=version, columns=columns, filters=among)
            fresh = conform(compute(present), schema.columns, name)
            if fresh.num_rows == 0 or self._commit(schema, fresh, version, None):
                return fresh
        raise StoreError(_lost(f"{self.uri}/{name}", "append"))

    def update_rows(self, name: str, rows: pa.Table) -> None:
        """Replace the rows that have the keys of ``rows``, and add those that are new, in one commit."""
        schema = self.table_schema(name)
        fresh = conform(rows, schema.columns, name)
        for _ in range(ATTEMPTS):
            table = self.open_table(name)
            if table is None:
                if self._commit(schema, fresh, None, None):
                    return
                continue
            matched = " AND ".join(f"present.{column} = fresh.{column}" for column in schema.key)
            merge = table.merge(
                fresh, matched, source_alias="fresh", target_alias="present", commit_properties=fence(table.version())
            )
            try:
                merge.when_matched_update_all().when_not_matched_insert_all().execute()
                compact(table)
            except CommitFailedError as error:
                self.check_was_late(name, int(table.version()), error)
                continue
            except Exception as error:
                raise StoreError(
                    f"{self.uri}/{name}: could not update {fresh.num_rows} rows: {error}{advice(error)}"
                ) from error
            return
        raise StoreError(_lost(f"{self.uri}/{name}", "update"))

    def _replace(self, name: str, rows: pa.Table | Compute, window: Filter, predicate: str) -> bool:
        schema = self.table_schema(name)
        for _ in range(ATTEMPTS):
            version = self.version(name)
            present = self.read(name, filters=window, version=version)
            fresh = conform(rows if isinstance(rows, pa.Table) else rows(present), schema.columns, name)
            if table_digest(present) == table_digest(fresh):
                return False
            if self._commit(schema, fresh, version, predicate):
                return True
        raise StoreError(_lost(f"{self.uri}/{name}", "replace"))

    def _commit(self, schema: TableSchema, rows: pa.Table, version: int | None, predicate: str | None) -> bool:
        """Commit on top of ``version``; False if another writer was first."""
        # A table that was not there when the rows were computed must not be there now either: only `mode="error"` says so.
        target = (None if version is None else self.open_table(schema.name, version)) or f"{self.uri}/{schema.name}"
        fresh_table = isinstance(target, str)
        try:
            write_deltalake(
                target,
                rows,
                partition_by=list(schema.partition_by) or None,
                mode="error" if fresh_table else "overwrite" if predicate else "append",
                predicate=None if fresh_table else predicate,
                schema_mode=None if fresh_table else "merge",
                storage_options=self.options or None,
                configuration=CONFIGURATION if fresh_table else None,
                commit_properties=fence(version),
            )
            if isinstance(target, DeltaTable) and not schema.partition_by:
                compact(target)
        except CommitFailedError as error:
            self.check_was_late(schema.name, version, error)
            return False
        except Exception as error:
            if fresh_table and self.open_table(schema.name) is not None:
                return False
            problem = f"could not commit {rows.num_rows} rows: {error}{advice(error)}"
            raise StoreError(f"{self.uri}/{schema.name}: {problem}") from error
        return True

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
        except TableNotFoundError:
            return None
        except Exception as error:
            newest = "newest" if version is None else version
            raise StoreError(f"{uri}: cannot read version {newest}: {error}{advice(error)}") from error
        if problems := misfits(table, schema.columns):
            raise StoreError(f"{uri}: columns do not fit; name an input whose type changed anew{UPDATE}", problems)
        if version is None:
            opened[name] = table
        return table

    def check_was_late(self, name: str, version: int | None, error: Exception) -> None:
        """Raise what kept a commit on top of ``version`` from being made, unless it was another writer's commit.

        Raises
        ------
        StoreError
            If nobody else has committed since: another attempt would fail as well.
        """
        if self.version(name) == version:
            raise StoreError(f"{self.uri}/{name}: could not commit: {error}{advice(error)}") from error

    def table_schema(self, name: str) -> TableSchema:
        """Return a table's columns, key and partitions."""
        if name not in self._schemas:
            raise StoreError(f"No table {name!r}; there are: {', '.join(sorted(self._schemas))}")
        return self._schemas[name]


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


def fence(version: int | None) -> CommitProperties:
    """Make a commit fail if another one was made on top of the same version."""
    return CommitProperties(max_commit_retries=0, app_transactions=[Transaction("feedback-loop", (version or 0) + 1)])


def _lost(uri: str, verb: str) -> str:
    return f"{uri}: {ATTEMPTS} attempts to {verb} lost to other writers; run the task again"


def _sql_time(moment: datetime) -> str:
    return moment.isoformat()
