"""Temporary folders: each is locked by the process that made it, so that what a kill left behind can be told and deleted."""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PREFIX = "work-"
UNNAMED = "new-"  # until it is locked


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
    place = _place(tempfile.gettempdir())
    _delete_abandoned(place)
    made = Path(tempfile.mkdtemp(prefix=UNNAMED, dir=place))
    lock = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = made.rename(made.with_name(made.name.replace(UNNAMED, PREFIX, 1)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _place(parent: str) -> Path:
    """Return the folder that holds these folders and nothing else, so that nobody else's is ever taken for one of them.

    Its name can be foreseen: if it is not this user's own, closed to others, a new one is made that nobody sweeps.
    """
    place = Path(parent) / f"feedback-loop-scratch-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    status = place.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077
    return place if is_own else Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=parent))


@cache
def _delete_abandoned(place: Path) -> None:
    """Delete the folders in a place that nobody holds."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
