"""Read the lines of log files, one record at a time."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import StoreError
from include.logs.log_lines import REQUIRED, Problem, parse_object

NESTED = ("input", "probabilities", "segments")


@dataclass(frozen=True)
class Line:
    """One line or row of a file: its record or the reasons why it has none, and its raw text."""

    number: int | None
    record: dict[str, Any] | None
    problems: list[Problem]
    raw: str


def read_lines(path: Path, log_format: str) -> Iterator[Line]:
    """Yield every line of a JSONL file, or every row of a Parquet file; empty lines are no lines.

    A file that is not Parquet, or lacks a required column, is one line without number and with a reason.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        yield from _parquet(path) if log_format == "parquet" else _jsonl(path)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read, it may have changed meanwhile; run the task again: {error}"
        ) from error


def _jsonl(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, ended in enumerate(file, start=1):
            raw = ended.rstrip(b"\r\n")
            if not raw.strip():
                continue
            record, problems = parse_object(raw)
            yield Line(number, record, problems, raw.decode("utf-8", "backslashreplace"))


def _parquet(path: Path) -> Iterator[Line]:
    with path.open("rb") as opened:
        try:
            yield from _parquet_rows(pq.ParquetFile(opened))
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:  # the disk's fault, not the file's
                raise
            yield _unread(None, "not_parquet", f"not a whole Parquet file: {error}")


def _parquet_rows(file: pq.ParquetFile) -> Iterator[Line]:
    missing = [column for column in REQUIRED if column not in file.schema_arrow.names]
    if missing:
        there = ", ".join(file.schema_arrow.names)
        yield _unread(None, "missing_column", f"columns missing: {', '.join(missing)}; there are: {there}")
        return
    rows = (row for batch in file.iter_batches(batch_size=4096) for row in _records(batch))
    for number, record in enumerate(rows, start=1):
        if isinstance(record, Exception):
            yield _unread(number, "not_readable", f"row cannot be read: {record}")
        else:
            yield Line(number, *_unnested(record), json.dumps(record, default=str, ensure_ascii=False, skipkeys=True))


def _unread(number: int | None, code: str, reason: str) -> Line:
    """Return the line of what has no text of its own; the reason stands for it, for it is the same on every run."""
    return Line(number, None, [(code, reason)], reason)


def _records(batch: pa.RecordBatch) -> list[dict[str, Any] | Exception]:
    """Return the rows of a batch; one by one if a row has what Python cannot hold, which is then returned instead."""
    try:
        return list(batch.to_pylist(maps_as_pydicts="strict"))
    except (KeyError, ValueError, OverflowError) as error:
        if batch.num_rows == 1:
            return [error]
    return [row for place in range(batch.num_rows) for row in _records(batch.slice(place, 1))]


def _unnested(record: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read nested columns that are kept as JSON text; absent struct fields are dropped."""
    for name in NESTED:
        value = record.get(name)
        if isinstance(value, str):
            found, problems = parse_object(value.encode())
            if problems:
                return None, [(code, f"{name}: {reason}") for code, reason in problems]
            record[name] = found
        elif isinstance(value, Mapping):
            record[name] = {key: item for key, item in value.items() if item is not None}
    return record, []
