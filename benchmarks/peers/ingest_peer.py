"""JSON lines, or Parquet, to Parquet (zstd) with pandas, polars or pyarrow, in the shortest way each offers.

``TOOL FORMAT LOGS TARGET``; FORMAT is ``jsonl`` or ``parquet``. The lines must be whole: pandas and pyarrow stop at others.
"""

import sys


def with_pandas(log_format: str, logs: str, target: str) -> None:
    """Read it into one data frame and write that.

    Parameters
    ----------
    log_format, logs, target
        Format, file to read and file to write.
    """
    import pandas as pd

    frame = pd.read_parquet(logs) if log_format == "parquet" else pd.read_json(logs, lines=True)
    frame.to_parquet(target, compression="zstd")


def with_polars(log_format: str, logs: str, target: str) -> None:
    """Stream it.

    Parameters
    ----------
    log_format, logs, target
        Format, file to read and file to write.
    """
    import polars as pl

    lazy = pl.scan_parquet(logs) if log_format == "parquet" else pl.scan_ndjson(logs)
    lazy.sink_parquet(target, compression="zstd")


def with_pyarrow(log_format: str, logs: str, target: str) -> None:
    """Read it into one table and write that.

    Parameters
    ----------
    log_format, logs, target
        Format, file to read and file to write.
    """
    import pyarrow.json
    import pyarrow.parquet as pq

    table = pq.read_table(logs) if log_format == "parquet" else pyarrow.json.read_json(logs)
    pq.write_table(table, target, compression="zstd")


if __name__ == "__main__":
    {"pandas": with_pandas, "polars": with_polars, "pyarrow": with_pyarrow}[sys.argv[1]](*sys.argv[2:])
