"""The database in which a partition is staged: bounded, on disk where memory does not suffice, and gone afterwards."""

from pathlib import Path

import duckdb
import pyarrow as pa

from include.foundation.store.table_advice import UPDATE, advice

PYTHON_MB = 490  # what Python and the libraries take beside DuckDB
LEAST_MB = 256  # DuckDB has at least so much


def database_mb(memory_mb: int) -> int:
    """Return what DuckDB may take of a task's memory."""
    return max(memory_mb - PYTHON_MB, LEAST_MB)


def connected(memory_mb: int, folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that is bounded, spills to ``folder``, and loads nothing from anywhere."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{database_mb(memory_mb)}MiB",
            "threads": 1,
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, select: str = "*") -> None:
    """Insert rows into a table of the database, by the names of their columns.

    Parameters
    ----------
    connection
        The database.
    name
        The table; a name of the loop's own, which is put into the SQL as it is.
    rows
        Columns may be in any order; those that are left out become NULL.
    select
        What is selected from them.
    """
    connection.register("arriving", rows)
    connection.execute(f"INSERT INTO {name} BY NAME SELECT {select} FROM arriving")  # noqa: S608 - see `name`
    connection.unregister("arriving")


def is_disk_full(error: duckdb.Error) -> bool:
    """Tell whether the disk did not suffice, or DuckDB's share of it."""
    return "temp_directory" in str(error) or (bool(advice(error)) and advice(error) != UPDATE)


def remedy(error: duckdb.Error) -> str:
    """Return what to do where memory or disk did not suffice, as the end of an error message; nothing for any other error."""
    more = "; raise logs.memory_mb or lower logs.partition_mb"
    return advice(error) or (more if isinstance(error, duckdb.OutOfMemoryException) else "")
