"""The records of a file of any format, one at a time: for feedback and whatever else comes in small numbers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.foundation.lines.csv_rows import header_of, read_rows
from include.foundation.lines.file_formats import format_of
from include.foundation.lines.line_files import Line, read_lines
from include.foundation.lines.values import Problem
from include.foundation.store.bulk.day_batches import by_row_group

ROWS = 4096


def records(path: Path) -> Iterator[Line]:
    """Yield the records of a JSONL, CSV or Parquet file; what cannot be read is a line with its reason.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    match format_of(path.name):
        case "parquet":
            return _parquet_records(path)
        case "csv":
            return read_rows(path, header_of(path), undecodable="replace")
        case _:
            return read_lines(path)


def _parquet_records(path: Path) -> Iterator[Line]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        problem = Problem("not_parquet", f"not a whole Parquet file: {error}")
        yield Line(None, None, [problem], str(error))
        return
    with file:
        number = 0
        for batch in by_row_group(file, ROWS):
            for record in batch.to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield Line(number, record, [], json.dumps(record, default=str, ensure_ascii=False))
