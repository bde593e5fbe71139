"""The records of a file of any format, one at a time: for feedback and whatever else comes in small numbers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from include.foundation.lines.csv_rows import read_rows
from include.foundation.lines.file_bytes import BREAKS, break_reason, opened_file
from include.foundation.lines.file_formats import format_of, repeats
from include.foundation.lines.line_files import Line, cut_off, read_lines
from include.foundation.lines.values import Problem, plain_value
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
            return read_rows(path)
        case _:
            return read_lines(path)


def _parquet_records(path: Path) -> Iterator[Line]:
    number = 0
    with opened_file(path) as opened:
        try:
            with pq.ParquetFile(opened, coerce_int96_timestamp_unit="us") as file:
                if twice := repeats(file.schema_arrow.names):
                    yield Line.of_file([Problem("not_parquet", f"the file has {twice}")])
                    return
                for batch in by_row_group(file, ROWS):
                    for record in batch.to_pylist(maps_as_pydicts="lossy"):  # of a key given twice the last counts
                        number += 1
                        yield Line.of_json(
                            number, json.dumps(record, default=plain_value, skipkeys=True, ensure_ascii=False)
                        )
        except BREAKS as error:
            if number:
                yield cut_off(f"row {number}", error)
            else:
                yield Line.of_file([Problem("not_parquet", f"not a whole Parquet file: {break_reason(error)}")])
