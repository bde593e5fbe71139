"""The records of a file of any format, one at a time: for what comes in small numbers."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.foundation.lines.line_files import Line, raw_lines, read_lines
from include.foundation.store.bulk.day_batches import by_row_group

ROWS = 4096


def records(path: Path) -> Iterator[Line]:
    """Yield the records of a JSONL, CSV or Parquet file; what cannot be read is a line with its reason.

    Parameters
    ----------
    path
        The ending says the format; ``.gz`` and ``.zst`` may follow it.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(".parquet"):
        return _parquet(path)
    return _csv(path) if name.endswith(".csv") else read_lines(path)


def _csv(path: Path) -> Iterator[Line]:
    texts = (raw.decode("utf-8-sig", "replace") + "\n" for number, raw in raw_lines(path) if number is not None)
    rows = csv.DictReader(texts, restkey="", strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(rows.line_num, None, [("not_csv", str(error))], f"line {rows.line_num}: {error}")
            continue
        raw = json.dumps(row, ensure_ascii=False)
        if "" in row or None in row.values():
            yield Line(rows.line_num, None, [("not_csv", "not as many cells as the header has")], raw)
        else:
            yield Line(rows.line_num, {key: value for key, value in row.items() if value != ""}, [], raw)


def _parquet(path: Path) -> Iterator[Line]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        yield Line(None, None, [("not_parquet", f"not a whole Parquet file: {error}")], str(error))
        return
    with file:
        number = 0
        for batch in by_row_group(file, ROWS):
            for record in batch.to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield Line(number, record, [], json.dumps(record, default=str, ensure_ascii=False))
