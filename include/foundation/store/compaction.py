"""Keep opening and reading a table from growing with the number of its commits."""

import contextlib

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

EVERY = 16  # commits; each adds a file of a few rows and an entry of the log, at a millisecond to read and half of one to open
SMALL = 1 << 25  # bytes: larger files stay as they are
CONFIGURATION = {"delta.checkpointInterval": str(EVERY)}


def compact(table: DeltaTable) -> None:
    """Make one file of a table's small ones, at every `EVERY`-th version; whoever is first does it.

    The rows stay, and earlier versions can still be read.

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
