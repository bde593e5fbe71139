"""The files beside one loop's tables: pictures, reports, Data Docs and manifests."""

from include.foundation.errors import StoreError
from include.foundation.store.tables import LoopStore

FOLDER = "_files"


def write_file(store: LoopStore, path: str, content: bytes | str) -> str:
    """Write one file of the loop and return its URI; a reader sees the old content or the new, never a part.

    Parameters
    ----------
    store
        Tables of the loop; the file lands in ``<store uri>/_files/<path>``.
    path
        Relative path with forward slashes.
    content
        Text is written as UTF-8.

    Raises
    ------
    StoreError
        If the path leaves the loop's folder, or the file cannot be written.
    """
    if path.startswith("/") or ".." in path.split("/"):
        raise StoreError(f"Got path {path!r}, expected a relative one below the loop's folder")
    uri = _uri(store, path)
    store.objects.write(uri, content.encode() if isinstance(content, str) else content)
    return uri


def read_file(store: LoopStore, path: str) -> bytes:
    """Return what `write_file` wrote.

    Raises
    ------
    NoSuchFileError
        If there is no such file.
    StoreError
        If it cannot be read.
    """
    return store.objects.read(_uri(store, path))


def has_file(store: LoopStore, path: str) -> bool:
    """Tell whether `write_file` wrote a file, without reading it.

    Raises
    ------
    StoreError
        If the file's folder cannot be listed.
    """
    folder, _, name = path.rpartition("/")
    return name in names_in(store, folder)


def names_in(store: LoopStore, folder: str) -> list[str]:
    """Return the names of the files and folders directly in a folder that `write_file` wrote to, sorted; none without it.

    Raises
    ------
    StoreError
        If the folder cannot be listed.
    """
    return store.objects.names_in(_uri(store, folder))


def _uri(store: LoopStore, path: str) -> str:
    return f"{store.uri}/{FOLDER}/{path}"
