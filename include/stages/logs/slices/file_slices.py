"""Slices of files: a task reads a few of them, so that a large pull is spread over many tasks."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from include.foundation.errors import ObjectChangedError
from include.foundation.lines.file_formats import is_compressed
from include.foundation.lines.sources import SINCE, Access, LogFile
from include.foundation.lines.values import LONGEST_LINE, read_json
from include.foundation.store.objects.object_store import explained
from include.foundation.store.objects.scratch_folders import scratch_folder
from include.foundation.uris import is_remote

EDGE = 1 << 16
ODD_NAME = re.compile(r"[*?\[\]{}]|[\ud800-\udfff]")  # a pattern to DuckDB, or a name that is not UTF-8
FROM_BYTE = " from byte "
MOST_PARTITIONS = 1000  # below what Airflow maps a task over
EXPANSION = 6  # how much larger a compressed file is once it is read


@dataclass(frozen=True)
class Slice:
    """The lines of one file that begin at ``start`` or after it and before ``end``; the whole file where it cannot be cut.

    Attributes
    ----------
    file
        The file.
    start, end
        Bytes, half-open.
    """

    file: LogFile
    start: int
    end: int

    @property
    def source(self) -> str:
        """What a refusal names: the file, and where in it its lines are counted from."""
        return self.file.name if self.start == 0 else f"{self.file.name}{FROM_BYTE}{self.start}"

    @property
    def weight(self) -> int:
        """Bytes to read, compressed ones counted for what they become."""
        return expanded(self.file.name, self.end - self.start)

    def to_json(self) -> dict[str, Any]:
        """Return the slice as JSON can hold it."""
        return {
            **vars(self.file),
            "uri": quote(self.file.uri, errors="surrogateescape"),  # names of local files are any bytes
            "written_at": self.file.written_at.isoformat(),
            "start": self.start,
            "end": self.end,
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Slice":
        """Return what `to_json` wrote."""
        file = LogFile(
            written["name"],
            unquote(written["uri"], errors="surrogateescape"),
            datetime.fromisoformat(written["written_at"]),
            written["size"],
            written["fingerprint"],
        )
        return cls(file, written["start"], written["end"])

    @contextmanager
    def opened(self, access: Access, *, copied: bool = False) -> Iterator[Path]:
        """Give a local path to exactly the slice's lines.

        Parameters
        ----------
        access
            What opens the source.
        copied
            Copy the bytes that were listed even where the file itself would do: it is being appended to.

        Raises
        ------
        ObjectChangedError
            If the file has vanished or was replaced.
        StoreError
            If it cannot be read.
        """
        if not is_remote(self.file.uri) and not Path(self.file.uri).exists():
            raise ObjectChangedError(f"{self.file.uri}: has gone {SINCE}")
        is_itself = self._is_whole_and_local and not copied
        if is_itself and not ODD_NAME.search(self.file.uri):
            yield Path(self.file.uri)
            return
        with scratch_folder() as folder:
            path = folder / f"lines{''.join(PurePosixPath(self.file.name).suffixes[-2:])}"
            if is_itself:
                path.symlink_to(self.file.uri)
            else:
                with explained(f"{self.file.uri}: could not be copied to {folder}"), path.open("wb") as target:
                    target.writelines(self._lines(access))
            yield path

    def is_unchanged(self) -> bool:
        """Tell whether a local file still is what was listed; an object cannot change while it is read."""
        if is_remote(self.file.uri):
            return True
        try:
            status = Path(self.file.uri).stat()
        except FileNotFoundError:
            return False
        return self.file.fingerprint == f"{status.st_size}-{status.st_mtime_ns}"

    @property
    def _is_whole_and_local(self) -> bool:
        return not is_remote(self.file.uri) and self.start == 0 and self.end == self.file.size

    def _lines(self, access: Access) -> Iterator[bytes]:
        """Yield the bytes between the first line that begins at ``start`` or later and the first at ``end`` or later."""
        place, begun = max(self.start - 1, 0), self.start == 0
        for block in self.file.blocks(access.s3_options, place):
            low, high = 0, len(block)
            if not begun:
                low = block.find(b"\n") + 1
                begun = low > 0
                if place + low >= self.end or (not begun and place + high >= self.end):
                    return
            cut = -1
            if self.end < self.file.size:
                cut = block.find(b"\n", max(self.end - 1 - place, 0))
            if begun:
                yield block[low : high if cut < 0 else cut + 1]
            if cut >= 0:
                return
            place += high


def expanded(name: str, size: int) -> int:
    """Return the bytes of a file's content, compressed ones counted for what they become."""
    return size * (EXPANSION if is_compressed(name) else 1)


def cut_up(file: LogFile, gaps: Iterable[tuple[int, int]], size: int) -> list[Slice]:
    """Return slices of at most ``size`` bytes that cover gaps; a file that cannot be read from the middle is one slice.

    Parameters
    ----------
    file
        The file.
    gaps
        Byte ranges to read, half-open.
    size
        Most bytes of a slice.

    Examples
    --------
    >>> from datetime import UTC
    >>> file = LogFile("a.jsonl", "/logs/a.jsonl", datetime(2026, 3, 10, tzinfo=UTC), 25)
    >>> [(file_slice.start, file_slice.end) for file_slice in cut_up(file, [(0, 25)], 10)]
    [(0, 10), (10, 20), (20, 25)]
    """
    if not is_divisible(file.name):
        return [Slice(file, 0, file.size)]
    return [
        Slice(file, start, min(start + size, end))
        for begin, end in gaps
        for start in range(begin, max(end, begin + 1), size)
    ]


def partitions(slices: Sequence[Slice], size: int) -> list[list[Slice]]:
    """Return the slices in groups of about ``size`` bytes, in order; at least one group, which may be empty."""
    size = max(size, 2 * sum(file_slice.weight for file_slice in slices) // MOST_PARTITIONS)
    groups: list[list[Slice]] = [[]]
    weight = 0
    for file_slice in slices:
        if groups[-1] and weight + file_slice.weight > size:
            groups.append([])
            weight = 0
        groups[-1].append(file_slice)
        weight += file_slice.weight
    return groups


def without_unfinished_line(file_slice: Slice, access: Access) -> Slice:
    """Return a slice without the file's last line if that has no end and is no whole JSON: it is being written."""
    if not is_divisible(file_slice.file.name) or file_slice.end != file_slice.file.size:
        return file_slice
    tail = _bytes(file_slice.file, max(file_slice.start, file_slice.end - LONGEST_LINE), file_slice.end, access)
    last = tail[tail.rfind(b"\n") + 1 :]
    return file_slice if not last or _is_json(last) else replace(file_slice, end=file_slice.end - len(last))


def _is_json(line: bytes) -> bool:
    try:
        read_json(line.decode())
    except ValueError:
        return False
    return True


def is_divisible(name: str) -> bool:
    """Tell whether a file can be read from the middle, and read on when it was appended to: plain JSON lines can."""
    return name.endswith(".jsonl")


def edges(file: LogFile, end: int, access: Access) -> str | None:
    """Return a digest of the file's beginning and of the bytes before a place: equal if it was only appended to since.

    Parameters
    ----------
    file
        The file; None is returned for one that cannot be read from the middle.
    end
        The place, in bytes.
    access
        What opens the file.
    """
    if not is_divisible(file.name):
        return None
    digest = hashlib.sha256()
    for start in (0, max(0, end - EDGE)):
        digest.update(_bytes(file, start, min(start + EDGE, end), access))
    return digest.hexdigest()


def _bytes(file: LogFile, start: int, end: int, access: Access) -> bytes:
    blocks, size = [], 0
    for block in file.blocks(access.s3_options, start):
        blocks.append(block)
        size += len(block)
        if size >= end - start:
            break
    return b"".join(blocks)[: end - start]
