"""The store's connection."""

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook, Connection

from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore

SHORTEST_KEY = 16


class LoopStoreHook(BaseHook):
    """Open the tables of a loop where an Airflow connection says they are.

    The connection (type ``generic``) has in its extra ``uri``, a folder or an object-store URI, and optionally
    ``storage_options`` as ``deltalake`` takes them; its password is the key that turns people into pseudonyms.

    Parameters
    ----------
    loop
        Name of the loop.
    conn_id
        Id of the connection.
    """

    def __init__(self, loop: str, conn_id: str = "feedback_store") -> None:
        super().__init__()
        self.loop = loop
        self.conn_id = conn_id

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self.get_connection(self.conn_id)

    def get_conn(self) -> "LoopStore":
        """Return the loop's store.

        Raises
        ------
        ConfigError
            If the connection does not say where the store is.
        """
        from include.foundation.store.tables import LoopStore

        extra = self.connection.extra_dejson
        if not extra.get("uri"):
            raise ConfigError(
                f"Connection {self.conn_id}: no 'uri' in its extra, expected a folder or s3://bucket/path"
            )
        return LoopStore(loop_named(self.loop), extra["uri"], extra.get("storage_options"))

    @property
    def pseudonym_key(self) -> bytes:
        """Key of the keyed hash that stands for a person.

        Raises
        ------
        ConfigError
            If the connection's password is missing or shorter than 16 characters.
        """
        key = (self.connection.password or "").encode()
        if len(key) < SHORTEST_KEY:
            raise ConfigError(
                f"Connection {self.conn_id}: its password is the key of pseudonyms; got {len(key)} bytes, expected at "
                f"least {SHORTEST_KEY}. Set a random one and keep it: another key makes other pseudonyms"
            )
        return key
