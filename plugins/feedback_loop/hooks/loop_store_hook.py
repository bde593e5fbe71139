"""The store's connection."""

from pathlib import Path
from typing import TYPE_CHECKING

from feedback_loop.hooks.aws_access import delta_options
from feedback_loop.hooks.loop_hook import LoopHook, demand_writable
from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError
from include.foundation.uris import is_remote, why_no_place

if TYPE_CHECKING:
    from include.foundation.store.tables import LoopStore


class LoopStoreHook(LoopHook):
    """Open the tables of a loop where an Airflow connection says they are.

    The connection has in its extra ``uri``, a folder or an object-store URI. Its password is the key that turns people into
    pseudonyms. On an object store the extra also has ``aws_conn_id``, an Airflow connection of type ``aws`` whose
    credentials, region and endpoint are used; or ``storage_options`` as ``deltalake`` takes them; or both: what
    ``storage_options`` names takes precedence.

    Parameters
    ----------
    loop
        Name of the loop.
    store_conn_id
        Id of the connection.
    """

    conn_name_attr = "store_conn_id"
    default_conn_name = "feedback_store"
    conn_type = "generic"
    hook_name = "Feedback Loop store"

    def __init__(self, loop: str, store_conn_id: str = default_conn_name) -> None:
        super().__init__(store_conn_id)
        self.loop = loop

    def get_conn(self) -> "LoopStore":
        """Return the loop's store, with the credentials that are valid now: open it anew instead of keeping it for hours.

        Raises
        ------
        ConfigError
            If the connection does not say where the store is.
        """
        from include.foundation.store.tables import LoopStore

        uri, aws_conn_id = self.text_in_extra("uri"), self.text_in_extra("aws_conn_id")
        if uri is None:
            raise ConfigError(
                f"Connection {self.conn_id}: no 'uri' in its extra, expected a folder or s3://bucket/path"
            )
        if why := why_no_place(uri):
            raise ConfigError(f"Connection {self.conn_id}, uri in its extra: {why}")
        options = delta_options(aws_conn_id) if aws_conn_id else {}
        return LoopStore(loop_named(self.loop), uri, options | self.texts_in_extra("storage_options"))

    @property
    def pseudonym_key(self) -> bytes:
        """Key of the keyed hashes that stand for people.

        Raises
        ------
        ConfigError
            If the connection's password is missing or easily guessed.
        """
        from include.foundation.store.person_keys import demand_strong

        key = (self.connection.password or "").encode()
        try:
            demand_strong(key)
        except ConfigError as error:
            raise ConfigError(f"Connection {self.conn_id}, its password: {error.message}") from None
        return key

    def check(self) -> str:
        """List the place, open a table if there is one, and demand the store's key of pseudonyms."""
        from include.foundation.store.loop_files import names_in
        from include.foundation.store.person_keys import check_key

        store = self.get_conn()
        names_in(store, "")
        version = store.version("decisions")
        if not is_remote(store.uri):
            demand_writable(Path(store.uri))
        check_key(store, self.pseudonym_key)
        state = "nothing is written there yet" if version is None else f"{version + 1} versions of its decisions"
        return f"{store.uri} can be opened: {state}; the key of pseudonyms is set"
