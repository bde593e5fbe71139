"""Local files to scan: compressed ones unpacked, small ones behind each other, for DuckDB takes long to begin a file."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.foundation.lines.line_files import MARK, NEWLINE, unpack
from include.foundation.lines.sources import COMPRESSED, Access
from include.stages.logs.slices.file_slices import Slice

SMALL = 1 << 20  # bytes of a file that others are put behind
TOGETHER = 1 << 25  # bytes of files that are scanned as one


def grouped(slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Yield slices in order, small ones of JSON lines together.

    Examples
    --------
    >>> from datetime import UTC
    >>> from include.foundation.lines.sources import LogFile
    >>> now = datetime(2026, 3, 10, tzinfo=UTC)
    >>> sizes = {"a.jsonl": 9, "b.jsonl": 9, "c.csv": 9, "d.jsonl": 9}
    >>> parts = [Slice(LogFile(name, name, now, size), 0, size) for name, size in sizes.items()]
    >>> [[part.file.name for part in group] for group in grouped(parts)]
    [['a.jsonl', 'b.jsonl'], ['c.csv'], ['d.jsonl']]
    """
    group: list[Slice] = []
    for part in slices:
        if group and not (_is_small(group[-1]) and _is_small(part) and sum(one.weight for one in group) < TOGETHER):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


@contextmanager
def unpacked(part: Slice, access: Access, *, copied: bool = False) -> Iterator[Path]:
    """Give a local path to a slice's lines; a compressed file that breaks off, or is none, is given as it is.

    Raises
    ------
    StoreError
        If the file has vanished, has changed or cannot be read.
    """
    with part.opened(access, copied=copied) as path:
        if path.suffix not in COMPRESSED:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="feedback-loop-") as folder:
            target = Path(folder) / path.stem
            yield target if unpack(path, target) else path


@contextmanager
def joined(files: Sequence[tuple[Path, int, datetime]]) -> Iterator[tuple[Path, pa.Table]]:
    """Give a file with the lines of some, an empty object behind them, and where every line that is not empty is from.

    Parameters
    ----------
    files
        Of each file of JSON lines, its path, its number and the latest plausible timestamp.

    Yields
    ------
    tuple
        The file, and a table with ``part`` int32, ``number`` int64 (from 1 in each file) and ``latest`` timestamp of each line.
    """
    with tempfile.TemporaryDirectory(prefix="feedback-loop-") as folder:
        together, places = Path(folder) / "lines.jsonl", []
        with together.open("wb") as target:
            for path, number, latest in files:
                data = path.read_bytes().removeprefix(MARK)
                target.write(data if data.endswith(b"\n") else data + b"\n")
                places.append(_places(_count(data), number, latest))
            target.write(b"{}\n")
        yield together, pa.concat_tables(places)


def _is_small(part: Slice) -> bool:
    return part.weight <= SMALL and part.file.name.removesuffix(".gz").removesuffix(".zst").endswith(".jsonl")


def _count(data: bytes) -> int:
    """Return the number of lines that are not empty."""
    signs = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(signs == NEWLINE)
    begins = ends[:-1] + 1 if data.endswith(b"\n") else ends + 1
    if data.startswith(b"{") and (signs[begins] == ord("{")).all():
        return len(begins) + 1
    return sum(1 for raw in data.split(b"\n") if raw and not raw.isspace())


def _places(count: int, number: int, latest: datetime) -> pa.Table:
    return pa.table(
        {
            "part": pa.repeat(pa.scalar(number, pa.int32()), count),
            "number": pa.array(np.arange(1, count + 1)),
            "latest": pa.repeat(pa.scalar(latest, pa.timestamp("us", tz="UTC")), count),
        }
    )
