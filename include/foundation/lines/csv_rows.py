"""The rows of CSV files: each a record by the names in the header, or the reasons why it is none."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from include.foundation.lines.file_bytes import BREAKS, BYTE_ORDER_MARK, break_reason, decompressed, opened_file
from include.foundation.lines.file_formats import repeats
from include.foundation.lines.line_files import Line, cut_off
from include.foundation.lines.values import Problem, is_encodable, json_line

LONGEST_CELL = 2_000_000  # DuckDB's limit, too
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
WITH_COMMAS = "save the file as CSV with commas"


@dataclass(frozen=True)
class Header:
    """The names of a CSV file's columns, and why nothing of the file can be read if nothing can."""

    names: list[str]
    problems: list[Problem] = field(default_factory=list)


def read_header(path: Path) -> Header:
    """Read the names of a CSV file's columns, which may have white space around them; where they end in a comma, so may rows.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        try:
            texts = (text for text in _texts(decompressed(opened, path.suffix)) if text.strip())
            return _header(next(texts, ""), texts)
        except BREAKS as error:  # `read_rows` says where
            break_reason(error)
            return Header([])


def _header(text: str, further: Iterator[str]) -> Header:
    reasons = []
    if "\r" in text.removesuffix("\n").removesuffix("\r"):
        reasons.append(r"lines end in \r alone, as old Macs wrote them; write \n or \r\n")
    elif not is_encodable(text) or "\0" in text:
        reasons.append("the header is not UTF-8; save the file as UTF-8")
    elif text.strip('"').lower().startswith("sep="):
        reasons.append("the first line is no header but a spreadsheet's separator; take it out")
    if reasons:
        return Header([], [Problem("not_csv", reason) for reason in reasons])
    names = _without_empty_ends([name.strip() for name in next(csv.reader(chain([text], further)), [])])
    if len(names) == 1:
        reasons += [
            f"cells are separated by {word}; {WITH_COMMAS}" for sign, word in SEPARATORS.items() if sign in names[0]
        ]
    if not names or not all(names):
        reasons.append("the header has a column without a name" if names else "the file has no header")
    if twice := repeats(names):
        reasons.append(f"the header has {twice}")
    return Header(names, [Problem("not_csv", reason) for reason in reasons])


def read_rows(path: Path) -> Iterator[Line]:
    """Yield every row of a CSV file that is not empty; where a compressed file breaks off, the last line says so.

    An empty cell is absent from the record. Of a file whose header cannot be read there is one line, which says why.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    header = read_header(path)
    if header.problems:
        yield Line.of_file(header.problems)
        return
    with opened_file(path) as opened:
        yield from _rows(_texts(decompressed(opened, path.suffix)), header.names)


def _rows(texts: Iterator[str], names: Sequence[str]) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_CELL)
    taken: list[str] = []
    rows = csv.reader(_noted(texts, taken), strict=True)
    number = -1  # the header is row 0
    while True:
        try:
            taken.clear()
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield no_row(number, "".join(taken).rstrip("\r\n"), str(error).split(" - ")[0], names)
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
        return no_row(number, raw, "a cell is not UTF-8", names, "not_utf8")
    cells = [*cells[: len(names)], *_without_empty_ends(cells[len(names) :])]
    if len(cells) != len(names):
        return no_row(number, raw, f"got {len(cells)} cells, expected {len(names)}", names)
    record = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return Line(number, record, [], json_line(record))


def no_row(number: int, raw: str, reason: str, names: Sequence[str], code: str = "not_csv") -> Line:
    """Return the line of what is no row.

    Parameters
    ----------
    number
        From 1.
    raw
        Its text.
    reason
        Why it is none.
    names
        In the header.
    code
        Of the reason.
    """
    text = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Line(number, None, [Problem(code, reason)], text, tuple(names))


def _texts(content: IO[bytes]) -> Iterator[str]:
    for number, ended in enumerate(content, start=1):
        yield (ended.removeprefix(BYTE_ORDER_MARK) if number == 1 else ended).decode("utf-8", "surrogateescape")


def _noted(texts: Iterator[str], taken: list[str]) -> Iterator[str]:
    for text in texts:
        taken.append(text)
        yield text


def _without_empty_ends(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells
