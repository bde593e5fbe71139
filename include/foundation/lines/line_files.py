"""Read the lines of JSONL files one at a time."""

import csv
import gzip
import itertools
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from include.foundation.errors import StoreError
from include.foundation.lines.values import Problem, parse_object

BLOCK = 1 << 18
NEWLINE = ord("\n")
MARK = b"\xef\xbb\xbf"  # of the byte order, which some writers begin a file with


@dataclass(frozen=True)
class Line:
    """One line or row of a file: its record or the reasons why it has none, and its raw text."""

    number: int | None
    record: dict[str, Any] | None
    problems: list[Problem]
    raw: str


def read_lines(path: Path) -> Iterator[Line]:
    """Yield every line of a JSONL file, which may be compressed; empty lines are no lines.

    Where a compressed file breaks off, the last line is one without number and with the reason.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    for number, raw in raw_lines(path):
        if number is None:
            yield Line(None, None, [("cut_off", raw.decode())], raw.decode())
        else:
            yield parsed(number, raw)


def read_cells(path: Path, names: Sequence[str]) -> Iterator[Line]:
    """Yield every row of a CSV file, which may be compressed: for one that breaks off, as `read_lines`.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as opened:
            texts = _texts(_unpacked(opened, path.suffix))
            yield from _rows(csv.reader(texts, strict=True), names)
    except OSError as error:
        raise _unreadable(path, error) from error


def unpack(path: Path, target: Path) -> bool:
    """Write what a compressed file holds into another; tell whether it could be unpacked to its end.

    Raises
    ------
    StoreError
        If the file cannot be read, or the other not be written.
    """
    try:
        with path.open("rb") as opened, target.open("wb") as copy:
            unpacked = _unpacked(opened, path.suffix)
            while block := unpacked.read(BLOCK):
                copy.write(block)
    except _FAULTS:
        return False
    except OSError as error:
        if error.errno is not None:
            raise _unreadable(path, error) from error
        return False
    return True


def newlines(block: bytes) -> int:
    r"""Return how many lines end in a block: NumPy counts what is frequent faster than `bytes.count`.

    Examples
    --------
    >>> newlines(b"{}\n\n{")
    2
    """
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == NEWLINE))


def parsed(number: int, raw: bytes) -> Line:
    """Return the line of raw bytes."""
    record, problems = parse_object(raw)
    return Line(number, record, problems, raw.decode("utf-8", "backslashreplace"))


def raw_lines(path: Path) -> Iterator[tuple[int | None, bytes]]:
    """Yield the number, from 1, and the bytes of every line that is not empty; last, without number, why a file broke off.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as opened:
            yield from _numbered(_unpacked(opened, path.suffix))
    except OSError as error:
        raise _unreadable(path, error) from error


def picked_lines(path: Path, wanted: Set[int], total: int) -> Iterator[tuple[int, Line]]:
    """Yield some lines of a file that can be read to its end, by their places among those that are not empty, from 1.

    Parameters
    ----------
    path
        The file, which may be compressed.
    wanted
        Places.
    total
        Lines of the file that are not empty: if it has no others, only the blocks with a wanted line are split.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as opened:
            unpacked = _unpacked(opened, path.suffix)
            blocks = _blocks(unpacked)
            if unpacked is opened and blocks[-1][1] <= total:
                yield from _found(opened, blocks, sorted(wanted))
            else:
                opened.seek(0)
                yield from _sought(_unpacked(opened, path.suffix), wanted)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be read, it may have changed meanwhile; run the task again: {error}")


def _blocks(opened: IO[bytes]) -> list[tuple[int, int]]:
    """Return where blocks of whole lines begin, as (bytes, lines) before each, and the ends of the last one."""
    found, place, lines = [(0, 0)], 0, 0
    while block := opened.read(BLOCK):
        rest = opened.readline()
        place += len(block) + len(rest)
        lines += newlines(block) + newlines(rest)
        found.append((place, lines))
    return found


def _found(opened: IO[bytes], blocks: list[tuple[int, int]], wanted: list[int]) -> Iterator[tuple[int, Line]]:
    """Yield lines of a file without empty ones, reading only the blocks they are in."""
    begin = 0
    for (start, before), (end, lines) in itertools.pairwise(blocks):
        after = len(wanted) if end == blocks[-1][0] else bisect_right(wanted, lines)
        if after > begin:
            opened.seek(start)
            within = opened.read(end - start).split(b"\n")
            for place in wanted[begin:after]:
                yield place, parsed(place, _unmarked(place, within[place - before - 1].rstrip(b"\r")))
        begin = after


def _sought(opened: IO[bytes], wanted: Set[int]) -> Iterator[tuple[int, Line]]:
    place = 0
    for number, ended in enumerate(opened, start=1):
        raw = _unmarked(number, ended.rstrip(b"\r\n"))
        place += bool(raw.strip())
        if place in wanted and raw.strip():
            yield place, parsed(number, raw)


def _unmarked(number: int, raw: bytes) -> bytes:
    return raw.removeprefix(MARK) if number == 1 else raw


_FAULTS = (gzip.BadGzipFile, EOFError, pa.ArrowException)


def _numbered(opened: IO[bytes]) -> Iterator[tuple[int | None, bytes]]:
    number = 0
    try:
        while ended := opened.readline():
            number += 1
            raw = _unmarked(number, ended.rstrip(b"\r\n"))
            if raw.strip():
                yield number, raw
    except (OSError, *_FAULTS) as error:
        yield None, f"the file breaks off after line {number}: {_fault(error)}".encode()


def _texts(opened: IO[bytes]) -> Iterator[str]:
    for number, ended in enumerate(iter(opened.readline, b"")):
        yield (ended.removeprefix(b"\xef\xbb\xbf") if number == 0 else ended).decode("utf-8", "surrogateescape")


def _rows(rows: Iterator[list[str]], names: Sequence[str]) -> Iterator[Line]:
    """Yield the rows behind the header; an empty cell is nothing."""
    number = -1
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Line(number, None, [("not_csv", str(error))], f"row {number}: {error}")
            continue
        except (OSError, *_FAULTS) as error:
            reason = f"the file breaks off after row {number}: {_fault(error)}"
            yield Line(None, None, [("cut_off", reason)], reason)
            return
        number += bool(cells)
        if number and cells:
            yield _row(number, cells, names)


def _row(number: int, cells: list[str], names: Sequence[str]) -> Line:
    raw = ",".join(cells)
    if any("\ud800" <= sign <= "\udfff" for sign in raw):
        return Line(number, None, [("not_utf8", "a cell is not UTF-8")], raw.encode(errors="backslashreplace").decode())
    if len(cells) != len(names):
        return Line(number, None, [("not_csv", f"got {len(cells)} cells, expected {len(names)}")], raw)
    record = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return Line(number, record, [], json.dumps(record, ensure_ascii=False))


def _fault(error: Exception) -> Exception:
    """Return what is wrong with a file; raise what is wrong with the disk."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return error


def _unpacked(opened: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=opened))
    if suffix == ".zst":
        import io

        return cast("IO[bytes]", io.BufferedReader(pa.CompressedInputStream(opened, "zstd")))
    return opened
