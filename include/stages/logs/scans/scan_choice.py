"""The scan of a file, chosen by the format that its name tells."""

from pathlib import Path

import duckdb

from include.foundation.config.loop_file import Loop
from include.foundation.lines.file_formats import format_of
from include.stages.logs.scans.column_scans import CsvScan, ParquetScan
from include.stages.logs.scans.file_scan import Scan
from include.stages.logs.scans.json_scan import JsonScan


def scan_of(loop: Loop, connection: duckdb.DuckDBPyConnection, path: Path) -> Scan:
    """Return the scan of a file; one that cannot be read at all, or lacks a required column, has problems.

    Parameters
    ----------
    loop
        The loop.
    connection
        The database that reads the file.
    path
        The file, whose name tells the format.
    """
    match format_of(path.name):
        case "parquet":
            return ParquetScan(loop, path, connection)
        case "csv":
            return CsvScan(loop, path, connection)
        case _:
            return JsonScan.of_file(loop, path)
