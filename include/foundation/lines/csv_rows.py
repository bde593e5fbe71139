"""The rows of CSV files: each a record by the names in the header, or the reasons why it is none."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from include.foundation.lines.file_bytes import BREAKS, BYTE_ORDER_MARK, break_reason, decompressed, opened_file
from include.foundation.lines.line_files import Line, cut_off
from include.foundation.lines.values import Problem, is_encodable


def header_of(path: Path) -> list[str]:
    """Return the names of a CSV file's columns; none if the file has no header that can be read.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        texts = (text for text in _texts(decompressed(opened, path.suffix), "replace") if text.strip())
        try:
            return next(csv.reader(texts), [])
        except csv.Error:
            return []
        except BREAKS as error:
            break_reason(error)
            return []


def read_rows(path: Path, names: Sequence[str], *, undecodable: str = "surrogateescape") -> Iterator[Line]:
    """Yield every row of a CSV file that is not empty; where a compressed file breaks off, the last line says so.

    Parameters
    ----------
    path
        The file, which may be compressed.
    names
        Names of its columns, from `header_of`. An empty cell is absent from the record.
    undecodable
        What becomes of bytes that are not UTF-8: with ``replace`` they are marked, otherwise the row is refused.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        yield from _rows(_texts(decompressed(opened, path.suffix), undecodable), names)


def _rows(texts: Iterator[str], names: Sequence[str]) -> Iterator[Line]:
    rows = csv.reader(texts, strict=True)
    number = -1  # the header is row 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Line(number, None, [Problem("not_csv", str(error))], f"row {number}: {error}")
            continue
        except BREAKS as error:
            yield cut_off(f"row {max(number, 0)}", error)
            return
        number += bool(cells)
        if number and cells:
            yield _row(number, cells, names)


def _row(number: int, cells: list[str], names: Sequence[str]) -> Line:
    raw = ",".join(cells)
    if not is_encodable(raw):
        return Line(
            number, None, [Problem("not_utf8", "a cell is not UTF-8")], raw.encode(errors="backslashreplace").decode()
        )
    if len(cells) != len(names):
        return Line(number, None, [Problem("not_csv", f"got {len(cells)} cells, expected {len(names)}")], raw)
    record = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return Line(number, record, [], json.dumps(record, ensure_ascii=False))


def _texts(content: IO[bytes], errors: str) -> Iterator[str]:
    for number, ended in enumerate(content, start=1):
        yield (ended.removeprefix(BYTE_ORDER_MARK) if number == 1 else ended).decode("utf-8", errors)
