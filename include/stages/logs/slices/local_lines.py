"""Local files to scan: compressed ones decompressed, small ones joined, because DuckDB takes long to open a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from include.foundation.lines.file_bytes import BYTE_ORDER_MARK, NEWLINE, decompress
from include.foundation.lines.file_formats import format_of, is_compressed
from include.foundation.lines.sources import Access
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.stages.logs.slices.file_slices import Slice

UNPACKED_AT_LEAST, MOST_EXPANSION = 1 << 30, 64
SMALL = 1 << 20  # most bytes of a file that is joined with others
JOINED = 1 << 25  # bytes of files that are scanned as one
MOST_JOINED = 4096  # files; each has an open context meanwhile


def grouped(slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Yield slices in order, small ones of JSON lines in one group.

    Examples
    --------
    >>> from datetime import UTC
    >>> from include.foundation.lines.sources import LogFile
    >>> now = datetime(2026, 3, 10, tzinfo=UTC)
    >>> sizes = {"a.jsonl": 9, "b.jsonl": 9, "c.csv": 9, "d.jsonl": 9}
    >>> slices = [Slice(LogFile(name, name, now, size), 0, size) for name, size in sizes.items()]
    >>> [[file_slice.file.name for file_slice in group] for group in grouped(slices)]
    [['a.jsonl', 'b.jsonl'], ['c.csv'], ['d.jsonl']]
    """
    group: list[Slice] = []
    weight = 0
    for file_slice in slices:
        if group and not (
            _is_small(group[-1]) and _is_small(file_slice) and weight < JOINED and len(group) < MOST_JOINED
        ):
            yield group
            group, weight = [], 0
        group.append(file_slice)
        weight += file_slice.weight
    if group:
        yield group


@contextmanager
def local_lines(
    file_slice: Slice, access: Access, most_bytes: int = UNPACKED_AT_LEAST, *, copied: bool = False
) -> Iterator[Path]:
    """Give a local path to a slice's lines, decompressed; a compressed file that is damaged is given as it is.

    Parameters
    ----------
    file_slice
        The slice.
    access
        What opens the source.
    most_bytes
        What a compressed file may always be unpacked to, and any file to 64 times its size.
    copied
        Copy the bytes that were listed even where the file itself would do: it is being appended to.

    Raises
    ------
    FileTooLargeError
        If the file is larger than that once it is unpacked.
    ObjectChangedError
        If it has vanished or was replaced.
    StoreError
        If it cannot be read.
    """
    with file_slice.opened(access, copied=copied) as path:
        if not is_compressed(path.name):
            yield path
            return
        with scratch_folder() as folder:
            target = folder / path.stem
            most = max(most_bytes, MOST_EXPANSION * path.stat().st_size)
            yield target if decompress(path, target, most) else path


class FileLines(NamedTuple):
    """A file of JSON lines that is joined with others: its path, the number of its part, and the latest plausible timestamp."""

    path: Path
    part: int
    latest: datetime


@contextmanager
def joined(files: Sequence[FileLines]) -> Iterator[tuple[Path, pa.Table]]:
    """Give one file with the lines of several and an empty object after them, and where every line that is not empty is from.

    Yields
    ------
    tuple
        The file, and a table with ``part`` int32, ``number`` int64 (from 1 in each file) and ``latest`` timestamp of each line.
    """
    with scratch_folder() as folder:
        path, origins = folder / "lines.jsonl", []
        with path.open("wb") as target:
            for file in files:
                data = file.path.read_bytes().removeprefix(BYTE_ORDER_MARK)
                target.write(data if data.endswith(b"\n") else data + b"\n")
                origins.append(_origins(file, _count_lines(data)))
            target.write(b"{}\n")
        yield path, pa.concat_tables(origins)


def _is_small(file_slice: Slice) -> bool:
    return file_slice.weight <= SMALL and format_of(file_slice.file.name) == "jsonl"


def _count_lines(data: bytes) -> int:
    """Return the number of lines that are not empty; quickly where every line begins an object."""
    signs = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(signs == NEWLINE)
    begins = ends[:-1] + 1 if data.endswith(b"\n") else ends + 1
    if data.startswith(b"{") and (signs[begins] == ord("{")).all():
        return len(begins) + 1
    return sum(1 for raw in data.split(b"\n") if raw and not raw.isspace())


def _origins(file: FileLines, lines: int) -> pa.Table:
    return pa.table(
        {
            "part": pa.repeat(pa.scalar(file.part, pa.int32()), lines),
            "number": pa.array(np.arange(1, lines + 1)),
            "latest": pa.repeat(pa.scalar(file.latest, pa.timestamp("us", tz="UTC")), lines),
        }
    )
