"""The database in which a partition is staged: bounded, on disk where memory does not suffice, and gone afterwards."""

from pathlib import Path

import duckdb

from include.foundation.store.table_reader import advice

PYTHON_MB = 450  # what Python and the libraries take beside DuckDB


def connected(memory_mb: int, folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that is bounded, spills to ``folder``, and loads nothing from anywhere."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{max(memory_mb - PYTHON_MB, 256)}MiB", "threads": 1, "temp_directory": str(folder),
            "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        }
    )  # fmt: skip
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def remedy(error: duckdb.Error) -> str:
    """Return what to do where memory or disk did not suffice, to be put behind the error; nothing for any other."""
    more = "; raise logs.memory_mb or lower logs.partition_mb"
    return advice(error) or (more if isinstance(error, duckdb.OutOfMemoryException) else "")
