"""Merge a table's small files now and then, so that many commits do not make it slow to open and to read."""

import contextlib

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

EVERY = 16  # commits; each adds a file that takes a millisecond to read, and a log entry that takes half of one to open
SMALL = 1 << 25  # bytes: larger files stay as they are
CONFIGURATION = {"delta.checkpointInterval": str(EVERY)}


def compact(table: DeltaTable) -> None:
    """Merge a table's small files into one at every `EVERY`-th version, unless another writer is doing it.

    The rows stay the same, and earlier versions can still be read.

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
        with contextlib.suppress(CommitFailedError):  # another writer has committed: the next time will do
            table.optimize.compact(target_size=SMALL, max_concurrent_tasks=1)
