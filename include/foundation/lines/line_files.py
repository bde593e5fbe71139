"""The lines of JSONL files, all or some of them: each a record, or the reasons why it is none."""

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from include.foundation.lines.file_bytes import (
    BLOCK,
    BREAKS,
    BYTE_ORDER_MARK,
    break_reason,
    count_newlines,
    decompressed,
    opened_file,
    sized_lines,
)
from include.foundation.lines.file_formats import contradiction
from include.foundation.lines.values import LONGEST_LINE, Problem, parse_object, read_json

CUT_OFF = "cut_off"
LOOKED_AT = 1 << 20  # bytes of a file that begins like another kind of file
ENDS = 5  # most bytes of a line that are not of its object: the mark of the byte order, and the end


@dataclass(frozen=True)
class Line:
    """One line or row of a file.

    Attributes
    ----------
    number
        From 1; None for what is said of the whole file, such as where it breaks off.
    record
        What the line says; None if it cannot be read.
    problems
        Why the line is refused; empty if nothing is wrong with it.
    raw
        Its text, with escapes for bytes that are not UTF-8.
    columns
        Of a row of a CSV file that cannot be told apart: the names in the header.
    """

    number: int | None
    record: dict[str, Any] | None
    problems: list[Problem]
    raw: str
    columns: tuple[str, ...] = ()

    @classmethod
    def of_file(cls, problems: list[Problem]) -> "Line":
        """Return the line that says what is wrong with a whole file; its raw text is the same on every run."""
        return cls(None, None, problems, "; ".join(problem.reason for problem in problems))

    @classmethod
    def of_json(cls, number: int, text: str) -> "Line":
        """Return the line of a record that is given as JSON text which is known to be whole."""
        return cls(number, read_json(text), [], text)

    def refused_for(self, problems: list[Problem]) -> "Line":
        """Return the line with the problems for which it is refused."""
        return replace(self, problems=problems)

    def moved(self, lines: int) -> "Line":
        """Return the line of a file in which there are so many lines before those that were read."""
        return self if self.number is None else replace(self, number=self.number + lines)


def read_lines(path: Path) -> Iterator[Line]:
    """Yield every line of a JSONL file that is not empty; where a compressed file breaks off, the last line says so.

    Of a file that is something else, such as one that is compressed without saying so, there is one line, which says what.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    number = 0
    with opened_file(path) as opened:
        try:
            lines = sized_lines(decompressed(opened, path.suffix), LONGEST_LINE + ENDS)
            for number, (ended, size) in enumerate(lines, start=1):
                raw = _without_ends(number, ended)
                if number == 1 and (reason := contradiction(raw)) and not _has_records(path):
                    yield Line.of_file([Problem("not_json", reason)])
                    return
                if raw.strip():
                    yield parse_line(number, raw) if size == len(ended) else _too_long(number, raw, size)
        except BREAKS as error:
            yield cut_off(f"line {number}", error)


def _has_records(path: Path) -> bool:
    """Tell whether the beginning of a file, or of what was appended, has a JSON object: then only its first line is odd."""
    with opened_file(path) as opened:
        begin = decompressed(opened, path.suffix).read(LOOKED_AT)
    return any(parse_object(line)[0] is not None for line in begin.split(b"\n"))


def _too_long(number: int, raw: bytes, size: int) -> Line:
    """Return the line of the beginning of one that is too long to be read."""
    problem = Problem("line_too_long", f"got {size} bytes, expected at most {LONGEST_LINE}")
    return Line(number, None, [problem], raw.decode("utf-8", "backslashreplace"))


def cut_off(place: str, error: Exception) -> Line:
    """Return the line that says after which place, such as ``line 7``, a file breaks off, and why."""
    return Line.of_file([Problem(CUT_OFF, f"the file breaks off after {place}: {break_reason(error)}")])


def parse_line(number: int, raw: bytes) -> Line:
    """Return the line of raw bytes."""
    record, problems = parse_object(raw)
    return Line(number, record, problems, raw.decode("utf-8", "backslashreplace"))


def picked_lines(path: Path, places: Set[int], total: int) -> Iterator[tuple[int, Line]]:
    """Yield some lines of a JSONL file that can be read to its end, with their places among those that are not empty.

    Parameters
    ----------
    path
        The file, which may be compressed.
    places
        Wanted lines, counted from 1.
    total
        Number of lines that are not empty: if the file has no others, only the blocks with a wanted line are split.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        content = decompressed(opened, path.suffix)
        blocks = _blocks(content)
        if content is opened and blocks[-1][1] <= total:
            yield from _lines_in_blocks(opened, blocks, sorted(places))
        else:
            opened.seek(0)
            yield from _lines_by_counting(decompressed(opened, path.suffix), places)


def _blocks(content: IO[bytes]) -> list[tuple[int, int]]:
    """Return where blocks of whole lines begin, as (bytes, lines) before each, and the end of the last one."""
    blocks, size, lines = [(0, 0)], 0, 0
    while block := content.read(BLOCK):
        rest = content.readline()
        size += len(block) + len(rest)
        lines += count_newlines(block) + count_newlines(rest)
        blocks.append((size, lines))
    return blocks


def _lines_in_blocks(
    opened: IO[bytes], blocks: Sequence[tuple[int, int]], places: Sequence[int]
) -> Iterator[tuple[int, Line]]:
    """Yield lines of a file without empty ones, reading only the blocks they are in."""
    begin = 0
    for (start, lines_before), (end, lines) in itertools.pairwise(blocks):
        after = len(places) if end == blocks[-1][0] else bisect_right(places, lines)
        if after > begin:
            opened.seek(start)
            within = opened.read(end - start).split(b"\n")
            for place in places[begin:after]:
                yield place, parse_line(place, _without_ends(place, within[place - lines_before - 1]))
        begin = after


def _lines_by_counting(content: IO[bytes], places: Set[int]) -> Iterator[tuple[int, Line]]:
    place = 0
    for number, ended in enumerate(content, start=1):
        raw = _without_ends(number, ended)
        if raw.strip():
            place += 1
            if place in places:
                yield place, parse_line(number, raw)


def _without_ends(number: int, ended: bytes) -> bytes:
    """Return a line without its end, and the first without the file's byte order mark."""
    raw = ended.rstrip(b"\r\n")
    return raw.removeprefix(BYTE_ORDER_MARK) if number == 1 else raw
