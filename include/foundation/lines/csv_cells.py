"""The cells of CSV text, row by row, as DuckDB takes them; of what is no row, only the first line is given up."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from include.foundation.lines.values import LONGEST_LINE

LONGEST_CELL = 2_000_000  # DuckDB's limit of a whole row
ENDS = "\r\n"
OPENING = re.compile(r' ?+"')  # after two blanks a quote is text
INSIDE = re.compile(r'[^"]*+(?:" *+"[^"]*+)*+')  # two quotes end no cell, even if there are blanks between them
CLOSING = re.compile(r'" *+(?:(,)|\r*+\n?\Z)')
ESCAPED = re.compile(r'"(.?)')
TOO_LONG = f"the row has more than {LONGEST_LINE:,} bytes"


class Row(NamedTuple):
    """A row, or a line that is none.

    Attributes
    ----------
    cells
        Of the row.
    text
        As it stands in the file, without its end.
    problem
        Why the line is no row; empty if it is one.
    """

    cells: list[str]
    text: str
    problem: str = ""


class _NoRowError(Exception):
    """What was taken for a row is none."""


def rows_of(lines: Iterator[str], width: int | None = None) -> Iterator[Row]:
    r"""Yield the rows of lines, which have their ends; empty lines are passed over.

    A quote that nobody closed takes lines into its row that are rows of their own. So of a row that is broken, or has a wrong
    number of cells, only the first line is given up, and those behind it are read once more. The time stays linear: a line
    that is inside of one cell leaves no quote open when it is read alone, and any other ends a cell, of which there are
    ``width``.

    Parameters
    ----------
    lines
        What is read.
    width
        How many cells a row has, but for empty ones at its end; None if any number will do.

    Examples
    --------
    >>> [row.cells for row in rows_of(iter(['1, "a, ""b" ,3\n', '2,"c\n', 'd",5" nail\n']))]
    [['1', 'a, "b', '3'], ['2', 'c\nd', '5" nail']]
    >>> [(row.text, row.problem) for row in rows_of(iter(['1,"a\n', '2,b\n']), 2)]
    [('1,"a', 'a quote is not closed'), ('2,b', '')]
    """
    again: list[str] = []  # lines to be read once more, the next one last

    def following() -> str:
        return again.pop() if again else next(lines, "")

    while line := following():
        text = line.rstrip(ENDS)
        if not text:
            continue
        taken = [line]
        try:
            cells = _quoted_cells(taken, following, width) if '"' in text else _plain(text).split(",")
            whole = text if len(taken) == 1 else "".join(taken).rstrip(ENDS)
            row = Row(_fitting(cells, whole, width), whole)
        except _NoRowError as error:
            again.extend(reversed(taken[1:]))
            row = Row([], text, str(error))
        yield row


def without_empty_ends(cells: list[str]) -> list[str]:
    """Return cells without the empty ones behind the last that is not."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _quoted_cells(taken: list[str], following: Callable[[], str], width: int | None) -> list[str]:
    """Return the cells of the row that begins with the line taken; take the further lines that are of it."""
    cells: list[str] = []
    place = size = 0
    while True:
        line = taken[-1]
        if opening := OPENING.match(line, place):
            is_beyond = width is not None and len(cells) >= width
            cell, place = _quoted_cell(taken, opening.end(), None if is_beyond else following)
            closing = CLOSING.match(taken[-1], place)
            if not closing:
                raise _NoRowError("text follows a closing quote")
            is_last, place = not closing[1], closing.end()
        else:
            comma = line.find(",", place)
            is_last = comma < 0
            cell, place = _plain(line[place:].rstrip(ENDS) if is_last else line[place:comma]), comma + 1
        cells.append(cell)
        size += len(cell)
        if size > LONGEST_LINE:
            raise _NoRowError(TOO_LONG)
        if is_last:
            return cells


def _quoted_cell(taken: list[str], place: int, following: Callable[[], str] | None) -> tuple[str, int]:
    """Return the cell at a place of the last line taken, and the place of its closing quote in what is the last line then."""
    parts: list[str] = []
    size = 0
    while True:
        inside = next(INSIDE.finditer(taken[-1], place))
        parts.append(inside[0])
        size += len(inside[0])
        if inside.end() < len(taken[-1]):
            cell = "".join(parts)
            return ESCAPED.sub(r"\1", cell) if '"' in cell else cell, inside.end()
        if following is None:
            raise _NoRowError("there is a cell too many")
        if size > LONGEST_CELL or not (line := following()):
            raise _NoRowError("a quote is not closed")
        taken.append(line)
        place = 0


def _plain(text: str) -> str:
    """Return text outside of quotes."""
    if "\r" in text:
        raise _NoRowError("a carriage return is not the end of the line")
    return text


def _fitting(cells: list[str], text: str, width: int | None) -> list[str]:
    """Return the cells of a row if none is too long, and if there are as many as there should be."""
    if len(text) > LONGEST_CELL:
        if len(text.encode("utf-8", "surrogateescape")) > LONGEST_LINE:
            raise _NoRowError(TOO_LONG)
        if max(map(len, cells)) > LONGEST_CELL:
            raise _NoRowError(f"a cell has more than {LONGEST_CELL:,} characters")
    if width is None or len(cells) == width:
        return cells
    cells = [*cells[:width], *without_empty_ends(cells[width:])]
    if len(cells) != width:
        raise _NoRowError(f"got {len(cells)} cells, expected {width}")
    return cells
