"""Whether the tables still hold what the ledger says was read into them: after a table's log was lost, nothing else tells."""

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.errors import RowsGoneError, VersionGoneError
from include.foundation.store.scanning import scan
from include.foundation.store.tables import LoopStore
from include.stages.logs.pull import TABLES
from include.stages.logs.slices.read_ledger import rows_in_log

LANDED = ("rows", "late", "early", "refused")
REBUILD = (
    "Restore the folder of the table from a backup, or delete it and that of files_read, and run observe by hand with a start "
    "before the first log file: everything is read again"
)


def demand_agreement(store: LoopStore) -> None:
    """Stop where rows are gone that were read: a pull that went on would take what is left for everything.

    Raises
    ------
    RowsGoneError
        With every table that is not what it was when rows were read into it.
    """
    if problems := ledger_disagreements(store):
        raise RowsGoneError(f"{store.uri}: rows that were read are gone. {REBUILD}", problems)


def ledger_disagreements(store: LoopStore) -> list[str]:
    """Return how the tables disagree with the ledger of what was read into them; nothing if they agree.

    The ledger notes the version of ``predictions`` and its number of rows after each slice. The log must still have that
    version, with as many rows; rows that were deleted in a later one are none of its business. No row is read for this, and
    of the ledger only counts, so it can be asked at every pull.
    """
    entries = _entries(store)
    logs, feedback, shadow = (entries.filter(pc.equal(entries.column("kind"), kind)) for kind in TABLES)
    noted = pc.max(logs.column("table_version")).as_py()
    problems = (
        [] if noted is None else _lost_versions(store, logs.filter(pc.equal(logs.column("table_version"), noted)))
    )
    landed = {
        "predictions": 0 if problems else _sum(logs, "rows") + _sum(logs, "late") + _sum(logs, "early"),
        "quarantine": _sum(logs, "refused"),
        "feedback": _sum(feedback, "rows"),
        "shadow_answers": _sum(shadow, "rows"),
    }
    return problems + [
        f"{name}: got no table, expected one with rows: {expected} were read into it"
        for name, expected in landed.items()
        if expected and store.open_table(name) is None
    ]


def _lost_versions(store: LoopStore, newest: pa.Table) -> list[str]:
    """Return what became of the newest version of ``predictions`` that the ledger notes, if it is not what it was."""
    noted, expected = (newest.column(name)[0].as_py() for name in ("table_version", "table_rows"))
    version, rows = rows_in_log(store, "predictions")
    if version is None:
        return []
    if version < noted:
        return [f"predictions: got version {version} as the newest, expected {noted} or a later one by files_read"]
    try:
        rows = rows if version == noted else rows_in_log(store, "predictions", noted)[1]
    except VersionGoneError:  # its log was cleaned up
        return []
    return (
        []
        if rows == expected
        else [f"predictions: got {rows} rows at version {noted}, expected {expected} by files_read"]
    )


def _entries(store: LoopStore) -> pa.Table:
    """Return the kinds and counts of the ledger's entries."""
    dataset = store.dataset("files_read")
    counts = [(name, pa.int64()) for name in (*LANDED, "table_version", "table_rows")]
    schema = pa.schema([("kind", pa.string()), *counts])
    if dataset is None:
        return schema.empty_table()
    stored = [name for name in schema.names if name in dataset.schema.names]
    read = pa.Table.from_batches(scan(dataset, stored), pa.schema([dataset.schema.field(name) for name in stored]))
    return pa.concat_tables([schema.empty_table(), read], promote_options="default")


def _sum(entries: pa.Table, name: str) -> int:
    return pc.sum(entries.column(name)).as_py() or 0
