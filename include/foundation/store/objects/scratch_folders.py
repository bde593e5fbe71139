"""Temporary folders: each is locked by the process that made it, so that what a kill left behind can be told and deleted."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PREFIX = "feedback-loop-"
UNNAMED = ".feedback-loop-"  # until it is locked


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new temporary folder that is gone afterwards; the first one of a process deletes those of killed ones.

    Examples
    --------
    >>> with scratch_folder() as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    _delete_abandoned(tempfile.gettempdir())
    made = Path(tempfile.mkdtemp(prefix=UNNAMED))
    lock = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = made.rename(made.with_name(made.name.removeprefix(".")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


@cache
def _delete_abandoned(place: str) -> None:
    """Delete the folders below a place that nobody holds; those of other users stay."""
    for folder in Path(place).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
