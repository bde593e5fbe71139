"""Who may ask which loop: keys that clients send, of which only digests are kept, in a file outside the repository."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from gateway.watched_file import WatchedFile
from include.foundation.errors import ConfigError

SCHEME = b"bearer "
BITS = 256


class ApiKeys:
    """The keys of each loop, read again when their file changes.

    Parameters
    ----------
    path
        A JSON file: by loop, the SHA-256 of each key by a name that says whose it is.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path, read_keys, "keys")

    def look(self) -> None:
        """Read the file if it was written since; one that cannot be read leaves the keys as they are."""
        self._file.look()

    def loops_of(self, authorization: bytes | None) -> frozenset[str]:
        """Return the loops that a key is for: none of a key that nobody was given.

        Every digest is compared, each in constant time, so that how long it takes tells nothing.

        Parameters
        ----------
        authorization
            The header: ``Bearer`` and the key.
        """
        given = authorization or b""
        digest = _digest(given[len(SCHEME) :] if given[: len(SCHEME)].lower() == SCHEME else b"")
        return frozenset(
            [
                loop
                for loop, digests in self._file.content.items()
                if sum(hmac.compare_digest(digest, known) for known in digests.values())
            ]
        )


class Everybody(ApiKeys):
    """Nobody needs a key.

    Parameters
    ----------
    loops
        That are served.
    """

    def __init__(self, loops: Iterable[str]) -> None:
        self._loops = frozenset(loops)

    def look(self) -> None:
        """Do nothing."""

    def loops_of(self, authorization: bytes | None) -> frozenset[str]:
        """Return every loop."""
        return self._loops


def read_keys(path: Path) -> dict[str, dict[str, str]]:
    """Return the digests of keys, by loop and name.

    Raises
    ------
    ConfigError
        If there is no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the file of keys cannot be read: {error}") from error
    by_loop = content.items() if isinstance(content, dict) else [("", None)]
    if not all(isinstance(keys, dict) and all(map(_is_digest, keys.values())) for _, keys in by_loop):
        raise ConfigError(f'{path}: expected {{"loop": {{"name": "SHA-256 of the key, 64 hex digits"}}}}')
    return dict(content)


def add_key(path: Path, loop: str, name: str) -> str:
    """Write the digest of a new key into a file, which is made if there is none, and return the key, which nobody keeps.

    Parameters
    ----------
    path
        Of the file.
    loop
        That the key is for.
    name
        Whose it is.

    Raises
    ------
    ConfigError
        If the file cannot be read, or has a key of this name already.
    """
    key = secrets.token_urlsafe(BITS // 8)
    add_entry(path, read_keys(path) if path.exists() else {}, (loop, name), _digest(key.encode()))
    return key


def add_entry(path: Path, entries: dict[str, dict[str, str]], place: tuple[str, str], value: str) -> None:
    """Write a file of keys or secrets anew, with one more; others than its owner and group cannot read it.

    Parameters
    ----------
    path
        Of the file, which is made if there is none.
    entries
        What it says, by loop and name.
    place
        Loop and name of what is added.
    value
        What is added.

    Raises
    ------
    ConfigError
        If there is one of this name already.
    """
    loop, name = place
    if name in entries.setdefault(loop, {}):
        raise ConfigError(f"{path}: loop {loop} has {name!r} already; take that out, or give this one another name")
    entries[loop][name] = value
    partial = path.with_name(f".{path.name}")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o640)
    partial.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    partial.replace(path)


def _digest(key: bytes) -> str:
    """Return what is kept of a key: it has 256 random bits, so nothing slower than SHA-256 is needed."""
    return hashlib.sha256(key).hexdigest()


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
