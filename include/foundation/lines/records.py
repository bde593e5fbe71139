"""The records of a file of any format, one at a time: for feedback and whatever else comes in small numbers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.foundation.lines.csv_rows import read_rows
from include.foundation.lines.file_bytes import BREAKS, break_reason, opened_file
from include.foundation.lines.file_formats import format_of, repeats
from include.foundation.lines.line_files import Line, cut_off, read_lines
from include.foundation.lines.values import Problem, plain_value
from include.foundation.store.bulk.day_batches import by_row_group

ROWS = 4096
UNHELD = (ValueError, OverflowError, KeyError)  # no text in UTF-8, no year from 1 to 9999, no zone that anybody knows


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
                    for line in _lines(batch, number):
                        number += 1
                        yield line
        except UnicodeDecodeError:
            yield Line.of_file([Problem("not_parquet", "not a whole Parquet file: a column's name is not UTF-8")])
        except BREAKS as error:
            if number:
                yield cut_off(f"row {number}", error)
            else:
                yield Line.of_file([Problem("not_parquet", f"not a whole Parquet file: {break_reason(error)}")])


def _lines(batch: pa.RecordBatch, before: int) -> Iterator[Line]:
    """Yield the rows of a batch, each as a line; one with a text that is not UTF-8 is refused alone."""
    try:
        rows = batch.to_pylist(maps_as_pydicts="lossy")  # of a key given twice the last counts
    except UNHELD:
        rows = [None] * batch.num_rows
    for place, record in enumerate(rows):
        number = before + place + 1
        yield _careful_line(batch.slice(place, 1), number) if record is None else Line.of_json(number, _json(record))


def _careful_line(row: pa.RecordBatch, number: int) -> Line:
    values = {name: row.column(name)[0] for name in row.schema.names}
    try:
        return Line.of_json(number, _json({name: _python(value) for name, value in values.items()}))
    except UnicodeDecodeError as error:
        kept = {name: _python(value, "backslashreplace") for name, value in values.items()}
        return Line(number, None, [Problem("not_utf8", f"byte {error.start} of a text is not UTF-8")], _json(kept))


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, default=plain_value, skipkeys=True, ensure_ascii=False)


def _python(value: Any, errors: str = "strict") -> Any:
    """Return what Arrow's scalar says; of a time that Python cannot hold, its number and type, which are no time."""
    if isinstance(value, pa.StructScalar | pa.ListScalar) and value.is_valid:
        return _nested(value, errors)
    if isinstance(value, pa.StringScalar | pa.LargeStringScalar) and value.is_valid:
        return value.as_buffer().to_pybytes().decode("utf-8", errors)
    try:
        return value.as_py()
    except UNHELD:
        return f"{value.value} {value.type}"


def _nested(value: Any, errors: str) -> Any:
    if isinstance(value, pa.StructScalar):
        return {name: _python(value[name], errors) for name in value}
    if isinstance(value, pa.MapScalar):
        return {_python(pair[0], errors): _python(pair[1], errors) for pair in value.values}
    return [_python(each, errors) for each in value.values]
