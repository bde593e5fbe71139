"""The database in memory that hashes many rows at a time; it holds no tables."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def hash_cursor() -> "DuckDBPyConnection":
    """Return a connection of one thread, which sees nothing that others register.

    Examples
    --------
    >>> hash_cursor().execute("SELECT hash('a') = hash('a')").fetchone()
    (True,)
    """
    return _database().cursor()


@cache
def _database() -> "DuckDBPyConnection":
    """Return the one database of the process: making it takes longer than hashing a hundred thousand rows."""
    import duckdb

    return duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
