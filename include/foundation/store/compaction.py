"""Merge a table's small files now and then, so that many commits do not make it slow to open and to read."""

import contextlib

from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import CommitFailedError, DeltaError

EVERY = 16  # commits; each adds a file that takes a millisecond to read, and a log entry that takes half of one to open
SMALL = 1 << 25  # bytes: larger files stay as they are
LEVEL = 1  # of zstd: files are a tenth larger than at level 3, and written in less than half the time
ROWS_A_GROUP = 1 << 17
CONFIGURATION = {"delta.checkpointInterval": str(EVERY)}


def compact(table: DeltaTable) -> None:
    """Merge a table's small files into one at every `EVERY`-th version, if that is possible.

    The rows stay the same, and earlier versions can still be read. What was committed is committed even if this fails: then
    maintenance merges the files, or says why it cannot.

    Parameters
    ----------
    table
        At the version just committed.

    Examples
    --------
    >>> import tempfile, pyarrow as pa
    >>> from deltalake import write_deltalake
    >>> folder = tempfile.mkdtemp()
    >>> for number in range(EVERY + 1):
    ...     write_deltalake(folder, pa.table({"number": [number]}), mode="append")
    >>> table = DeltaTable(folder)
    >>> compact(table)
    >>> len(table.file_uris())
    1
    """
    if table.version() % EVERY == 0 and len(table.file_uris()) > 1:
        with contextlib.suppress(DeltaError, OSError):
            merge_small_files(table)


def merge_small_files(table: DeltaTable) -> int:
    """Merge the small files of each partition of a table, and return how many gave way; none if another writer commits."""
    rows_a_group = WriterProperties(compression="ZSTD", compression_level=LEVEL, max_row_group_size=ROWS_A_GROUP)
    with contextlib.suppress(CommitFailedError):  # another writer has committed: the next time will do
        merged = table.optimize.compact(target_size=SMALL, max_concurrent_tasks=1, writer_properties=rows_a_group)
        return int(merged["numFilesRemoved"])
    return 0
