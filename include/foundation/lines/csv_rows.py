"""The rows of CSV files: each a record by the names in the header, or the reasons why it is none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, dropwhile
from pathlib import Path
from typing import IO

from include.foundation.lines.csv_cells import Row, rows_of, without_empty_ends
from include.foundation.lines.file_bytes import (
    BREAKS,
    BYTE_ORDER_MARK,
    break_reason,
    decompressed,
    opened_file,
    sized_lines,
)
from include.foundation.lines.file_formats import repeats
from include.foundation.lines.line_files import ENDS, Line, cut_off
from include.foundation.lines.values import LONGEST_LINE, Problem, is_encodable, json_line

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
WITH_COMMAS = "save the file as CSV with commas"


@dataclass(frozen=True)
class Header:
    """The names of a CSV file's columns, and why nothing of the file can be read if nothing can.

    Attributes
    ----------
    names
        In order.
    problems
        Why nothing can be read.
    is_first
        Whether no line of white space alone is before it, which DuckDB would take for it.
    """

    names: list[str]
    problems: list[Problem] = field(default_factory=list)
    is_first: bool = True


def read_header(path: Path) -> Header:
    """Read the names of a CSV file's columns, which may have white space around them; where they end in a comma, so may rows.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        try:
            return _header(_texts(decompressed(opened, path.suffix)))
        except BREAKS as error:  # `read_rows` says where
            break_reason(error)
            return Header([])


def _header(texts: Iterator[str]) -> Header:
    is_first, text = True, next(texts, "")
    while text.isspace():
        is_first, text = is_first and not text.strip("\r\n"), next(texts, "")
    row = next(rows_of(chain([text], texts)), Row([], ""))
    if reason := _no_header(text, row):
        return Header([], [Problem("not_csv", reason)])
    names = without_empty_ends([name.strip() for name in row.cells])
    reasons = []
    if len(names) == 1:
        reasons += [
            f"cells are separated by {word}; {WITH_COMMAS}" for sign, word in SEPARATORS.items() if sign in names[0]
        ]
    if not names or not all(names):
        reasons.append("the header has a column without a name" if names else "the file has no header")
    if twice := repeats(names):
        reasons.append(f"the header has {twice}")
    return Header(names, [Problem("not_csv", reason) for reason in reasons], is_first)


def _no_header(text: str, row: Row) -> str | None:
    """Say why the row that begins with a line is no header, if it is none."""
    if "\r" in text.removesuffix("\n").removesuffix("\r"):
        return r"lines end in \r alone, as old Macs wrote them; write \n or \r\n"
    if not is_encodable(row.text) or "\0" in row.text:
        return "the header is not UTF-8; save the file as UTF-8"
    if text.strip('"').lower().startswith("sep="):
        return "the first line is no header but a spreadsheet's separator; take it out"
    return f"the header is no row: {row.problem}" if row.problem else None


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
        texts = dropwhile(str.isspace, _texts(decompressed(opened, path.suffix)))
        yield from _rows(texts, header.names)


def _rows(texts: Iterator[str], names: Sequence[str]) -> Iterator[Line]:
    breaks: list[Exception] = []
    lines = _until_break(texts, breaks)
    next(rows_of(lines), None)  # the header
    number = 0
    for number, row in enumerate(rows_of(lines, len(names)), start=1):
        yield _line(number, row, names)
    if breaks:
        yield cut_off(f"row {number}", breaks[0])


def _until_break(texts: Iterator[str], breaks: list[Exception]) -> Iterator[str]:
    """Yield the texts before the content breaks off, and note how it did: a row that it leaves open may hold others."""
    try:
        yield from texts
    except BREAKS as error:
        breaks.append(error)


def line_of_row(number: int, text: str, names: Sequence[str]) -> Line:
    """Return the line of a row that is one line of text.

    Parameters
    ----------
    number
        From 1.
    text
        Not empty.
    names
        In the header.
    """
    return _line(number, next(rows_of(iter([text]), len(names))), names)


def _line(number: int, row: Row, names: Sequence[str]) -> Line:
    if not is_encodable(row.text):
        return _no_row(number, row.text, Problem("not_utf8", "a cell is not UTF-8"), names)
    if row.problem:
        return _no_row(number, row.text, Problem("not_csv", row.problem), names)
    record = {name: cell for name, cell in zip(names, row.cells, strict=True) if cell}
    return Line(number, record, [], json_line(record))


def _no_row(number: int, raw: str, problem: Problem, names: Sequence[str]) -> Line:
    text = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Line(number, None, [problem], text, tuple(names))


def _texts(content: IO[bytes]) -> Iterator[str]:
    for number, (begin, _) in enumerate(sized_lines(content, LONGEST_LINE + ENDS), start=1):
        yield (begin.removeprefix(BYTE_ORDER_MARK) if number == 1 else begin).decode("utf-8", "surrogateescape")
