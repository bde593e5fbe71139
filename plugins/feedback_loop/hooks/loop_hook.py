"""What every hook of the loop has in common."""

import json
import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseHook, Connection

from include.foundation.errors import ConfigError
from include.foundation.lines.values import text_of

HIDDEN = "***"
SECRET_WORDS = ("key", "password", "secret", "token")


class LoopHook(BaseHook):
    """A hook that reads its Airflow connection once and can say whether the connection works.

    A subclass names its connection type, and its constructor takes the argument that ``conn_name_attr`` names.

    Parameters
    ----------
    conn_id
        Id of the connection; None where the hook may do without one.
    """

    conn_name_attr: ClassVar[str]
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]

    def __init__(self, conn_id: str | None) -> None:
        super().__init__()
        setattr(self, self.conn_name_attr, conn_id)

    @property
    def conn_id(self) -> str:
        """Id of the connection."""
        return str(getattr(self, self.conn_name_attr))

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self.get_connection(self.conn_id)

    @property
    def extra(self) -> dict[str, Any]:
        """The connection's extra.

        Raises
        ------
        ConfigError
            If it is no JSON object.
        """
        return extra_of(self.connection)

    def text_in_extra(self, name: str) -> str | None:
        """Return a text of the extra, without white space around it; None if there is none.

        Raises
        ------
        ConfigError
            If it is something else.
        """
        value = self.extra.get(name)
        if not isinstance(value, str | None):
            raise ConfigError(
                f"Connection {self.conn_id}: {name} in its extra is {type(value).__name__}, expected a text"
            )
        return (value or "").strip() or None

    def texts_in_extra(self, name: str) -> dict[str, str]:
        """Return an object of texts in the extra; numbers and truth values are their texts, null is as if it were not there.

        Raises
        ------
        ConfigError
            If it is something else.
        """
        given = self.extra.get(name) or {}
        if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
            raise ConfigError(
                f'Connection {self.conn_id}: {name} in its extra is no object of texts, such as {{"name": "value"}}'
            )
        return {key: text for key, value in given.items() if (text := text_of(value)) is not None}

    @abstractmethod
    def check(self) -> str:
        """Use the connection cheaply, change nothing, and return in one sentence what answered; raise if nothing did."""

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection and say what answered, or what is wrong; raises nothing and shows no secret."""
        try:
            return True, self.without_secrets(self.check())
        except Exception as error:  # whatever is wrong with a connection is what the caller wants to hear
            return False, self.without_secrets(str(error) or type(error).__name__)

    def without_secrets(self, text: str) -> str:
        """Return a text without what the connection keeps secret."""
        for secret in self._secrets():
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
        return text

    def _secrets(self) -> Iterator[str]:
        connection = self.__dict__.get("connection")  # not read anew: that may be what failed
        if connection is not None:
            yield from filter(None, [connection.password])
            yield from _secret_values(connection.extra_dejson)


def extra_of(connection: Connection) -> dict[str, Any]:
    """Return a connection's extra; Airflow itself takes one that it cannot read for an empty one.

    Raises
    ------
    ConfigError
        If it is no JSON object.
    """
    try:
        extra = json.loads(connection.extra or "{}")
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", "nested too deeply, or a number of too many digits")  # its text may hold a secret
        raise ConfigError(f"Connection {connection.conn_id}: its extra is no JSON: {why}") from None
    if not isinstance(extra, dict):
        kind = type(extra).__name__
        raise ConfigError(
            f'Connection {connection.conn_id}: its extra is {kind}, expected an object such as {{"name": "value"}}'
        )
    return extra


def demand_writable(folder: Path) -> None:
    """Demand that files can be made in a folder, which itself may have to be made first.

    Raises
    ------
    ConfigError
        If the folder, or the nearest one above it that exists, cannot be written to.
    """
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f"{folder}: {nearest} is no folder that this process can write to")


def _secret_values(extra: Any, hidden: bool = False) -> Iterator[str]:
    """Yield the texts of an extra whose own name, or a name above it, says that they are secret."""
    if isinstance(extra, dict):
        for name, value in extra.items():
            yield from _secret_values(value, hidden or any(word in str(name).lower() for word in SECRET_WORDS))
    elif hidden and isinstance(extra, str) and extra:
        yield extra
