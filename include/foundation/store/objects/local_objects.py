"""Objects that are files of this machine."""

import contextlib
import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from include.foundation.errors import ObjectChangedError
from include.foundation.store.objects import object_store
from include.foundation.store.objects.object_store import (
    FOLDER,
    SINCE_LISTED,
    Listing,
    ObjectStore,
    StoredObject,
    explained,
)


class LocalObjects(ObjectStore):
    """Files by their paths."""

    @contextmanager
    def created(self, uri: str) -> Iterator[Path]:
        """Give the path itself: nobody knows of a new file before its name is committed to a table."""
        target = Path(uri)
        with explained(f"{uri}: could not be written"):
            target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield target
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _read(self, uri: str) -> bytes:
        return Path(uri).read_bytes()

    def _write(self, uri: str, content: bytes) -> None:
        target = Path(uri)
        partial = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise

    def _delete(self, uri: str) -> None:
        Path(uri).unlink(missing_ok=True)

    def _names_in(self, folder: str) -> list[str]:
        try:
            return sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208 - ten times as fast
        except FileNotFoundError:
            return []

    def _listing(self, folder: str, named: re.Pattern[str]) -> Listing | None:
        if not Path(folder).is_dir():
            return None
        listing = Listing([], [])
        for name, entry in _entries_below(folder):
            with contextlib.suppress(FileNotFoundError):  # deleted since the folder was listed
                if not named.search(name):
                    continue
                if _is_file(entry):
                    listing.objects.append(_as_listed(name, entry))
                else:
                    listing.oddities.append((_as_listed(name, entry, follow=False), _oddity(entry)))
        return listing

    def _blocks(self, listed: StoredObject, start: int) -> Iterator[bytes]:
        try:
            with Path(listed.uri).open("rb") as opened:
                opened.seek(start)
                left = listed.size - start
                while left > 0 and (block := opened.read(min(object_store.BLOCK, left))):
                    left -= len(block)
                    yield block
        except FileNotFoundError as error:
            raise ObjectChangedError(f"{listed.uri}: has gone {SINCE_LISTED}") from error


def _entries_below(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything below a folder, by its name from there; links to folders are not followed."""
    folders = [("", folder)]
    while folders:
        prefix, path = folders.pop()
        with contextlib.suppress(*([FileNotFoundError] if prefix else [])), os.scandir(path) as entries:
            for entry in entries:
                yield f"{prefix}{entry.name}", entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append((f"{prefix}{entry.name}/", entry.path))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself
            return False
        raise


def _oddity(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return FOLDER
    if not entry.is_symlink():
        return "is no regular file"
    if os.path.isdir(entry.path):  # noqa: PTH112 - False of a link that leads to itself
        return "is a link to a folder, which is not followed"
    return "leads to no regular file" if os.path.exists(entry.path) else "leads nowhere"  # noqa: PTH110 - as above


def _as_listed(name: str, entry: os.DirEntry[str], *, follow: bool = True) -> StoredObject:
    status = entry.stat(follow_symlinks=follow)
    readable = name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
    written_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return StoredObject(readable, entry.path, written_at, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")
