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
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        yield Line(None, None, [("not_parquet", f"not a Parquet file: {error}")], path.name)
        return
    with file:
        missing = [name for name in REQUIRED if name not in file.schema_arrow.names]
        if missing:
            reason = f"columns missing: {', '.join(missing)}; there are: {', '.join(file.schema_arrow.names)}"
            yield Line(None, None, [("missing_column", reason)], path.name)
            return
        number = 0
        for batch in file.iter_batches(batch_size=4096):
            for record in batch.to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield Line(number, *_unnested(record), json.dumps(record, default=str, ensure_ascii=False))


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
