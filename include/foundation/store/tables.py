"""The tables of one loop, to be read and written."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from include.foundation.digests import table_digest
from include.foundation.errors import NoSuchFileError, StoreError
from include.foundation.store.compaction import CONFIGURATION, compact
from include.foundation.store.rows import conform, missing
from include.foundation.store.scanning import Filter
from include.foundation.store.table_advice import advice
from include.foundation.store.table_reader import TableReader
from include.foundation.store.table_schema import TableSchema

ATTEMPTS = 20
MARK = "feedback-loop-commit"  # under this name a commit carries the mark of who made it
Compute = Callable[[pa.Table], pa.Table]
Commit = Callable[[CommitProperties], Any]


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
        if len(key) == 1:  # of a long table, only the rows that are there already are held in memory
            among = [*(among or []), (key[0], "in", rows.column(key[0]).unique().to_pylist())]
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
        self.set_properties(schema)
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
            if self.commit(name, int(table.version()), self._merge(table, fresh, schema.key)):
                compact(table)
                return
        raise StoreError(_lost(f"{self.uri}/{name}", "update"))

    def commit(self, name: str, version: int | None, attempt: Commit) -> bool:
        """Make one commit on top of a version; tell whether it is in the table, and False if another writer was first.

        What counts is the table's log, not the answer: a commit whose answer was lost is there, and a second one would
        double its rows, or its files would be deleted although the log names them.

        Parameters
        ----------
        name
            Table name.
        version
            What the commit was computed from; None if there was no table.
        attempt
            Makes the commit, with the properties that it is given.

        Raises
        ------
        StoreError
            If it fails although no other writer was first: another attempt would fail as well.
        """
        mark = uuid.uuid4().hex
        fence = CommitProperties({MARK: mark}, 0, [Transaction("feedback-loop", (version or 0) + 1)])
        try:
            attempt(fence)
        except Exception as error:
            entry = self._log_entry(name, 0 if version is None else version + 1)
            if entry is None:
                raise StoreError(f"{self.uri}/{name}: could not commit: {error}{advice(error)}") from error
            return mark.encode() in entry
        return True

    def _log_entry(self, name: str, version: int) -> bytes | None:
        """Return what the log says of a version; None if there is no such version yet."""
        try:
            return self.objects.read(f"{self.uri}/{name}/_delta_log/{version:020}.json")
        except NoSuchFileError:
            return None

    def _merge(self, table: DeltaTable, rows: pa.Table, key: Sequence[str]) -> Commit:
        """Return what replaces the rows that have the keys of others, and adds those that are new."""
        matched = " AND ".join(f"present.{column} = fresh.{column}" for column in key)

        def merge(fence: CommitProperties) -> None:
            merging = table.merge(
                rows, matched, source_alias="fresh", target_alias="present", merge_schema=True, commit_properties=fence
            )
            merging.when_matched_update_all().when_not_matched_insert_all().execute()

        return merge

    def set_properties(self, schema: TableSchema) -> None:
        """Give a table the properties of its schema, if an earlier version made it or the loop file has changed."""
        table = self.open_table(schema.name)
        if table is None or schema.properties.items() <= table.metadata().configuration.items():
            return
        properties = dict(schema.properties)
        # If another writer was first, the next append will do.
        self.commit(
            schema.name,
            int(table.version()),
            lambda fence: table.alter.set_table_properties(properties, commit_properties=fence),
        )

    def _commit(self, schema: TableSchema, rows: pa.Table, version: int | None, predicate: str | None) -> bool:
        """Commit rows on top of ``version``; False if another writer was first."""
        # A table that did not exist when the rows were computed must not exist now either: only `mode="error"` checks that.
        present = None if version is None else self.open_table(schema.name, version)
        options: dict[str, Any] = (
            {"mode": "error", "configuration": {**CONFIGURATION, **schema.properties}}
            if present is None
            else {"mode": "overwrite" if predicate else "append", "predicate": predicate, "schema_mode": "merge"}
        )

        def write(fence: CommitProperties) -> None:
            write_deltalake(
                present or f"{self.uri}/{schema.name}",
                rows,
                partition_by=list(schema.partition_by) or None,
                storage_options=self.options or None,
                commit_properties=fence,
                **options,
            )

        is_committed = self.commit(schema.name, version, write)
        if is_committed and present is not None and not schema.partition_by:
            compact(present)
        return is_committed


def _lost(uri: str, verb: str) -> str:
    return f"{uri}: {ATTEMPTS} attempts to {verb} lost to other writers; run the task again"
