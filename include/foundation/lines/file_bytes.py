"""The bytes of a local file that may be compressed: decompressed as they are read, and where they break off."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa

from include.foundation.errors import FileTooLargeError, StoreError
from include.foundation.store.objects.object_store import remedy

BLOCK = 1 << 18
NEWLINE = ord("\n")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some writers begin a file with it
BREAKS = (OSError, EOFError, zlib.error, pa.ArrowException)  # reading on where content is cut off or damaged


@contextmanager
def opened_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; what the disk refuses is a `StoreError`.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as opened:
            yield opened
    except OSError as error:
        what_to_do = remedy(error) or "it may have changed meanwhile; run the task again"
        raise StoreError(f"{path}: cannot be read: {error}; {what_to_do}") from error


def decompressed(opened: IO[bytes], suffix: str) -> IO[bytes]:
    """Return a stream of the content of an opened file, whose suffix may be ``.gz`` or ``.zst``."""
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=opened))
    if suffix == ".zst":
        return cast("IO[bytes]", io.BufferedReader(pa.CompressedInputStream(opened, "zstd")))
    return opened


def break_reason(error: Exception) -> str:
    """Return what is wrong with the content of a file; an error of the disk, which has a number, is raised again."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return str(error)


def decompress(path: Path, target: Path, most_bytes: int) -> bool:
    """Write the content of a compressed file into another; tell whether it could be read to its end.

    Parameters
    ----------
    path
        The compressed file.
    target
        The other file.
    most_bytes
        How large the content may be.

    Raises
    ------
    FileTooLargeError
        If the content is larger.
    StoreError
        If the file cannot be read, or the other not be written.
    """
    with opened_file(path) as opened, target.open("wb") as copy:
        try:
            content = decompressed(opened, path.suffix)
            while block := content.read(BLOCK):
                if copy.tell() + len(block) > most_bytes:
                    raise FileTooLargeError(f"its {path.stat().st_size:,} bytes unpack to more than {most_bytes:,}")
                copy.write(block)
        except BREAKS as error:
            break_reason(error)
            return False
    return True


def sized_lines(content: IO[bytes], longest: int) -> Iterator[tuple[bytes, int]]:
    r"""Yield each line with its end, or the beginning of one that is longer than so many bytes, and how long it is.

    Examples
    --------
    >>> import io
    >>> list(sized_lines(io.BytesIO(b"{}\nlong\n{"), 4))
    [(b'{}\n', 3), (b'long', 5), (b'{', 1)]
    """
    while begin := content.readline(longest):
        size, rest = len(begin), begin
        while size >= longest and not rest.endswith(b"\n") and (rest := content.readline(longest)):
            size += len(rest)
        yield begin, size


def count_newlines(block: bytes) -> int:
    r"""Return how many lines end in a block: NumPy counts what is frequent faster than `bytes.count`.

    Examples
    --------
    >>> count_newlines(b"{}\n\n{")
    2
    """
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == NEWLINE))


def has_lone_return(path: Path) -> bool:
    """Tell whether a file has a carriage return that ends no line.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with opened_file(path) as opened:
        while block := opened.read(BLOCK):
            block += opened.read(block.endswith(b"\r"))
            if (returns := block.count(b"\r")) and returns != block.count(b"\r\n"):
                return True
    return False
