"""Turn JSON lines into the Parquet that a service would write, with objects as STRUCT columns: ``LOGS TARGET``."""

import sys

import duckdb

from benchmarks.workloads.copy_logs import json_columns


def main() -> None:
    """Copy."""
    logs, target = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    query = f"SELECT * FROM read_json('{logs}', {json_columns()})"  # noqa: S608 - paths of the benchmark itself
    connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    main()
