"""The files that a log consists of: one is hidden and locked while it is written, then it is complete and never changes."""

import fcntl
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

BEING_WRITTEN = "."  # what pulls take for a file that is still being written begins with it
ENDING = ".jsonl"
OWN = re.compile(r"\.gateway-[0-9a-f-]+\.jsonl")
BLOCK = 1 << 16
PROBED = 1 << 16  # bytes that a disk must have room for before it is written to again


class Segment:
    """One file of log lines that is being written.

    Its name is hidden, so that no pull reads it; its lock tells a process that starts that somebody still writes it. What
    could not be written whole is taken back, so it always ends with a whole line.

    Parameters
    ----------
    folder
        Of the log; the file lies in the folder of its day, which is made.

    Raises
    ------
    OSError
        If the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.size = 0
        while True:
            now = datetime.now(UTC)
            day = folder / f"{now:%Y-%m-%d}"
            day.mkdir(parents=True, exist_ok=True)
            self.path = day / f"{BEING_WRITTEN}gateway-{now:%H%M%S}-{uuid.uuid4().hex}{ENDING}"
            self._opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            fcntl.flock(self._opened, fcntl.LOCK_EX)
            if _is_there(self._opened, self.path):  # else a process that started took the empty file for a leftover
                break
            os.close(self._opened)
        _sync_folder(day)
        _sync_folder(folder)

    def append(self, lines: bytes, *, synced: bool) -> None:
        """Append whole lines, or nothing.

        Parameters
        ----------
        lines
            Each with its end.
        synced
            Whether they are on the disk, not only with the operating system, when this returns.

        Raises
        ------
        OSError
            If the disk refuses; then the lines are not in the file.
        """
        try:
            _write_all(self._opened, lines)
            if synced:
                os.fdatasync(self._opened)
        except OSError:
            os.ftruncate(self._opened, self.size)
            raise
        self.size += len(lines)

    def sync(self) -> None:
        """Wait until everything that was appended is on the disk."""
        os.fdatasync(self._opened)

    def complete(self) -> None:
        """Close the file and give it its final name, under which it is pulled; one without a line is deleted.

        Raises
        ------
        OSError
            If the disk refuses; then the file is a leftover, which the next start completes.
        """
        with _closing(self._opened):
            os.ftruncate(self._opened, self.size)
            if self.size:
                _complete(self._opened, self.path)
            else:
                self.path.unlink(missing_ok=True)


def complete_leftovers(folder: Path) -> list[tuple[Path, int]]:
    """Complete the segments that killed processes left, and return them, each with how many bytes of a torn line it lost.

    A line is torn if it was being written when the process ended: nobody was answered. Segments that a living process writes
    are left alone.

    Parameters
    ----------
    folder
        Of the log; it may not exist yet.
    """
    completed = []
    for path in sorted(folder.rglob(f"{BEING_WRITTEN}*{ENDING}")):
        if OWN.fullmatch(path.name):
            with suppress(BlockingIOError, FileNotFoundError), _closing(os.open(path, os.O_RDWR)) as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                size, whole = os.fstat(opened).st_size, _size_of_whole_lines(opened)
                os.ftruncate(opened, whole)
                if whole and _is_there(opened, path):
                    completed.append((_complete(opened, path), size - whole))
                else:
                    path.unlink(missing_ok=True)
    return completed


def complete_segments(folder: Path) -> list[Path]:
    """Return the complete segments of a gateway below a folder, the oldest first.

    Parameters
    ----------
    folder
        It may not exist.
    """
    return sorted(path for path in folder.glob(f"*/*{ENDING}") if OWN.fullmatch(f"{BEING_WRITTEN}{path.name}"))


def demand_room(folder: Path) -> None:
    """Write a little into a folder and delete it again.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    probe = folder / f"{BEING_WRITTEN}probe-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _closing(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)) as opened:
            _write_all(opened, b"\n" * PROBED)
            os.fdatasync(opened)
    finally:
        probe.unlink(missing_ok=True)


def _complete(opened: int, path: Path) -> Path:
    """Give a file its final name; its time is touched before and after, so that a pull of any moment sees it as new."""
    os.fdatasync(opened)
    os.utime(opened)
    final = path.with_name(path.name.removeprefix(BEING_WRITTEN))
    path.rename(final)
    os.utime(opened)
    _sync_folder(path.parent)
    return final


def _size_of_whole_lines(opened: int) -> int:
    """Return how many bytes of a file are lines with their ends."""
    end = os.fstat(opened).st_size
    while end:
        start = max(0, end - BLOCK)
        last = os.pread(opened, end - start, start).rfind(b"\n")
        if last >= 0:
            return start + last + 1
        end = start
    return 0


def _is_there(opened: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(opened).st_ino
    return False


def _write_all(opened: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(opened, left) :]


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with _closing(os.open(folder, os.O_RDONLY | os.O_DIRECTORY)) as opened:
        os.fsync(opened)


@contextmanager
def _closing(opened: int) -> Iterator[int]:
    try:
        yield opened
    finally:
        os.close(opened)
