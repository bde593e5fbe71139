"""What a file says, read again when the file changes: whoever mends a file restarts nothing."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from include.foundation.errors import ConfigError

EVENTS = logging.getLogger("gateway")
Content = TypeVar("Content")
Stamp = tuple[int, int, int]


class WatchedFile(Generic[Content]):
    """A file and what it says.

    Parameters
    ----------
    path
        Of the file.
    read
        Returns what it says, or raises ConfigError.
    name
        What is in it, for the log of events.

    Attributes
    ----------
    content
        What it said when it could last be read.
    problem
        Why it cannot be read now; None if it can.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """

    def __init__(self, path: Path, read: Callable[[Path], Content], name: str) -> None:
        self._path, self._read, self._name = path, read, name
        self._stamp = self._stamp_now()
        self.problem: str | None = None
        self.content = read(path)

    def look(self) -> bool:
        """Read the file if it was written since, and tell whether it was read; one that is broken changes nothing."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.content, self.problem = self._read(self._path), None
        except ConfigError as error:
            self.problem = str(error)
            EVENTS.error(f"{self._name} cannot be read", extra={"told": {"problem": self.problem}})
            return False
        EVENTS.info(f"{self._name} read", extra={"told": {"file": str(self._path)}})
        return True

    def _stamp_now(self) -> Stamp | None:
        """Return what another revision of the file differs in; None if there is no such file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
