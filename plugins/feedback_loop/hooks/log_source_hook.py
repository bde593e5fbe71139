"""The connection of a source of logs or feedback."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feedback_loop.hooks.aws_access import s3_options
from feedback_loop.hooks.database_access import url_of
from feedback_loop.hooks.loop_hook import LoopHook
from include.foundation.config.data_sections import Source

if TYPE_CHECKING:
    from include.foundation.lines.sources import Access


class LogSourceHook(LoopHook):
    """Open what ``logs`` or ``feedback`` of a loop file names.

    For ``s3://`` the connection is of type ``aws``: keys, ``aws_session_token``, ``profile_name``, ``role_arn``,
    ``region_name``, ``endpoint_url``, all as the amazon provider reads them. For ``format: sql`` it is a database's, and its
    URL is what the hook of that type's provider makes of it, see `url_of`. Without a connection the store's own
    credentials are used.

    Parameters
    ----------
    source
        The section of the loop file.
    store_options
        Of the store, as ``boto3.client`` takes them.
    log_source_conn_id
        Id of the connection; by default the one that the source names, which may be none.
    """

    conn_name_attr = "log_source_conn_id"
    default_conn_name = "aws_default"
    conn_type = "aws"
    hook_name = "Feedback Loop log source"

    def __init__(self, source: Source, store_options: Mapping[str, Any], log_source_conn_id: str | None = None) -> None:
        self.log_source_conn_id = log_source_conn_id or source.connection
        super().__init__(self.log_source_conn_id)
        self.source = source
        self.store_options = dict(store_options)

    def get_conn(self) -> "Access":
        """Return what opens the source, with the credentials that are valid now.

        Raises
        ------
        ConfigError
            If the connection names no driver, or has no credentials.
        """
        from include.foundation.lines.sources import Access

        if self.log_source_conn_id is None:
            return Access(self.store_options)
        if self.source.format == "sql":
            return Access(self.store_options, url_of(self.connection, self.text_in_extra("drivername")))
        return Access(s3_options(self.log_source_conn_id))

    def check(self) -> str:
        """Ask the database for one row, or the folder or bucket for one name."""
        from include.foundation.lines.source_checks import check_database, check_folder

        access = self.get_conn()
        if self.source.format == "sql":
            return check_database(access)
        return check_folder(str(self.source.uri), access)
