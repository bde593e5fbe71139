"""The tables of one loop, to be read and written."""

import contextlib
from collections.abc import Callable, Sequence

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from include.foundation.digests import table_digest
from include.foundation.errors import StoreError
from include.foundation.store.compaction import CONFIGURATION, compact
from include.foundation.store.rows import conform, missing
from include.foundation.store.scanning import Filter
from include.foundation.store.table_reader import TableReader, advice
from include.foundation.store.table_schema import TableSchema

ATTEMPTS = 20
Compute = Callable[[pa.Table], pa.Table]


class LoopStore(TableReader):
    """The tables of one loop, to be read and written.

    Every write is one atomic commit that changes nothing if the table has the rows already, so a task that is killed and
    run again leaves the same rows. Two writers never lose an update: a commit is fenced by the version it was computed
    from, and computed again if another writer was first.
    """

    def replace_where(self, name: str, rows: pa.Table, column: str, values: Sequence[str]) -> bool:
        """Make ``rows`` the only rows whose column has one of some values; tell whether anything changed.

        Parameters
        ----------
        name
            Table name.
        rows
            Rows of the table's schema, each with one of the values.
        column
            A text column.
        values
            Whose rows are replaced; without any, nothing is.

        Raises
        ------
        StoreError
            If other writers won every one of twenty attempts.
        """
        if not values:
            return False
        schema = self.table_schema(name)
        fresh = conform(rows, schema.columns, name)
        quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        for _ in range(ATTEMPTS):
            version = self.version(name)
            present = self.read(name, filters=[(column, "in", list(values))], version=version)
            if table_digest(present) == table_digest(fresh):
                return False
            if self._commit(schema, fresh, version, f"{column} IN ({quoted})"):
                return True
        raise StoreError(_lost(f"{self.uri}/{name}", "replace"))

    def append_new(self, name: str, rows: pa.Table, among: Filter | None = None) -> pa.Table:
        """Append the rows whose key the table does not have yet and return them; the first row of a key wins.

        Parameters
        ----------
        name
            Table name.
        rows
            Rows of the table's schema.
        among
            Condition that every present row with one of the keys meets, so that the others need not be read.
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
        self._set_properties(schema)
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

    def check_was_late(self, name: str, version: int | None, error: Exception) -> None:
        """Raise a failed commit's error, unless the reason was that another writer committed first.

        Parameters
        ----------
        name
            Table name.
        version
            What the commit was computed from; None if there was no table.
        error
            Of the commit.

        Raises
        ------
        StoreError
            If the table still is at that version: another attempt would fail as well.
        """
        if self.version(name) == version:
            raise StoreError(f"{self.uri}/{name}: could not commit: {error}{advice(error)}") from error

    def _set_properties(self, schema: TableSchema) -> None:
        """Give a table the properties of its schema, if an earlier version made it or the loop file has changed."""
        table = self.open_table(schema.name) if schema.properties else None
        if table is None or schema.properties.items() <= table.metadata().configuration.items():
            return
        with contextlib.suppress(CommitFailedError):  # another writer has committed: the next append will do
            table.alter.set_table_properties(dict(schema.properties), commit_properties=fence(table.version()))

    def _commit(self, schema: TableSchema, rows: pa.Table, version: int | None, predicate: str | None) -> bool:
        """Commit on top of ``version``; False if another writer was first."""
        # A table that did not exist when the rows were computed must not exist now either: only `mode="error"` checks that.
        target = (None if version is None else self.open_table(schema.name, version)) or f"{self.uri}/{schema.name}"
        is_new = isinstance(target, str)
        try:
            write_deltalake(
                target,
                rows,
                partition_by=list(schema.partition_by) or None,
                mode="error" if is_new else "overwrite" if predicate else "append",
                predicate=None if is_new else predicate,
                schema_mode=None if is_new else "merge",
                storage_options=self.options or None,
                configuration={**CONFIGURATION, **schema.properties} if is_new else None,
                commit_properties=fence(version),
            )
            if isinstance(target, DeltaTable) and not schema.partition_by:
                compact(target)
        except CommitFailedError as error:
            self.check_was_late(schema.name, version, error)
            return False
        except Exception as error:
            if is_new and self.open_table(schema.name) is not None:
                return False
            problem = f"could not commit {rows.num_rows} rows: {error}{advice(error)}"
            raise StoreError(f"{self.uri}/{schema.name}: {problem}") from error
        return True


def fence(version: int | None) -> CommitProperties:
    """Return properties that make a commit fail if another one was made on top of the same version."""
    return CommitProperties(max_commit_retries=0, app_transactions=[Transaction("feedback-loop", (version or 0) + 1)])


def _lost(uri: str, verb: str) -> str:
    return f"{uri}: {ATTEMPTS} attempts to {verb} lost to other writers; run the task again"
