"""What can be done with objects, wherever they are, and what a failure tells the person who reads it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from include.foundation.errors import NoSuchFileError, StoreError

BLOCK = 1 << 20
SINCE_LISTED = "since it was listed"
FOLDER = "is a folder"
ANY = re.compile("")
NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
DENIED = (
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "Unable to locate credentials",
)
UNREACHABLE = ("Could not connect to the endpoint URL", "Connect timeout on endpoint URL", "error sending request")


@dataclass(frozen=True)
class StoredObject:
    """One object, as it was when its folder was listed.

    Attributes
    ----------
    name
        Relative to the folder, with forward slashes.
    uri
        Where it is.
    written_at
        When it was last written.
    size
        Bytes.
    fingerprint
        What changes when the content does: the ETag on S3, size and modification time elsewhere.
    """

    name: str
    uri: str
    written_at: datetime
    size: int = 0
    fingerprint: str = ""


class Listing(NamedTuple):
    """What is below a folder: its objects, and what is none, such as a link that leads nowhere, with what it is instead."""

    objects: list[StoredObject]
    oddities: list[tuple[StoredObject, str]]


class ObjectStore(ABC):
    """Objects by their full URIs; every failure is a `StoreError` that says what to do about it."""

    def read(self, uri: str) -> bytes:
        """Return the content of an object.

        Raises
        ------
        NoSuchFileError
            If there is no such object.
        """
        try:
            with explained(f"{uri}: cannot be read"):
                return self._read(uri)
        except StoreError as error:
            if isinstance(error.__cause__, NO_FILE):
                raise NoSuchFileError(error.message) from error.__cause__
            raise

    def write(self, uri: str, content: bytes) -> None:
        """Write an object; a reader sees the old content or the new, never a part."""
        with explained(f"{uri}: could not write {len(content)} bytes", "write it"):
            self._write(uri, content)

    def delete(self, uri: str) -> None:
        """Delete an object, if it is there."""
        with explained(f"{uri}: could not be deleted", "delete it"):
            self._delete(uri)

    def names_in(self, folder: str) -> list[str]:
        """Return the sorted names of the objects and folders directly in a folder; none if it does not exist."""
        with explained(f"{folder}: cannot be listed"):
            return self._names_in(folder)

    def objects_in(self, folder: str, named: re.Pattern[str] = ANY) -> list[StoredObject] | None:
        """Return every object below a folder, in no particular order; None if the folder or bucket does not exist.

        Parameters
        ----------
        folder
            Where to look.
        named
            What must be in the names; any by default.
        """
        listing = self.listing(folder, named)
        return None if listing is None else listing.objects

    def listing(self, folder: str, named: re.Pattern[str] = ANY) -> Listing | None:
        """Return what is below a folder, as `objects_in`, with what is no object."""
        with explained(f"{folder}: cannot be listed"):
            return self._listing(folder, named)

    def blocks(self, listed: StoredObject, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes of an object from ``start`` to the size that was listed, at most a MiB at a time.

        Raises
        ------
        ObjectChangedError
            If the object was replaced or deleted since it was listed.
        """
        with explained(f"{listed.uri}: cannot be read"):
            yield from self._blocks(listed, start)

    @abstractmethod
    def created(self, uri: str) -> AbstractContextManager[Path]:
        """Give a local path to write a new object to.

        What was written there is at the URI once the block has ended; if it failed, nothing is.
        """

    @abstractmethod
    def _read(self, uri: str) -> bytes: ...

    @abstractmethod
    def _write(self, uri: str, content: bytes) -> None: ...

    @abstractmethod
    def _delete(self, uri: str) -> None: ...

    @abstractmethod
    def _names_in(self, folder: str) -> list[str]: ...

    @abstractmethod
    def _listing(self, folder: str, named: re.Pattern[str]) -> Listing | None: ...

    @abstractmethod
    def _blocks(self, listed: StoredObject, start: int) -> Iterator[bytes]: ...


@contextmanager
def explained(problem: str, right: str = "list and read it") -> Iterator[None]:
    """Turn whatever fails in the block into a `StoreError` with the problem, its cause and what to do about it.

    Parameters
    ----------
    problem
        The URI, and what could not be done with it.
    right
        What credentials must allow for it.

    Raises
    ------
    StoreError
        If anything fails; one that is raised in the block is left as it is.
    """
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"{problem}: {error}; {remedy(error, right) or 'run the task again'}") from error


def remedy(error: Exception, right: str = "list and read it") -> str | None:
    """Return what a person can do about an error of a disk or an object store; None if only its text can tell.

    Parameters
    ----------
    error
        Of the operating system, of ``boto3`` or of ``deltalake``: what they share is the text.
    right
        What credentials must allow.

    Examples
    --------
    >>> remedy(OSError(28, "No space left on device"))
    'make room there and run the task again'
    >>> remedy(ValueError("An error occurred (AccessDenied) when calling PutObject"), "write it")
    'let the credentials of the connection write it'
    """
    text = str(error)
    if "No space left" in text:
        return "make room there and run the task again"
    if isinstance(error, PermissionError):
        return f"let the user that this runs as {right}"
    if any(code in text for code in DENIED):
        return f"let the credentials of the connection {right}"
    if any(words in text for words in UNREACHABLE):
        return "check the endpoint of the connection, or run the task again"
    return None
