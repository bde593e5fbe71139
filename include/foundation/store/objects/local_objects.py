"""Objects that are files of this machine."""

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from include.foundation.errors import ObjectChangedError
from include.foundation.store.objects import object_store
from include.foundation.store.objects.object_store import SINCE_LISTED, ObjectStore, StoredObject, explained


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
            return sorted(path.name for path in Path(folder).iterdir() if not path.name.startswith("."))
        except FileNotFoundError:
            return []

    def _objects_in(self, folder: str) -> list[StoredObject] | None:
        root = Path(folder)
        if not root.is_dir():
            return None
        listed = []
        for path in root.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # deleted since the folder was listed
                if path.is_file():
                    listed.append(_as_listed(path, root))
        return listed

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


def _as_listed(path: Path, root: Path) -> StoredObject:
    status = path.stat()
    name = path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()
    written_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return StoredObject(name, str(path), written_at, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")
