"""The connection of a source of logs or feedback."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, Connection

from include.foundation.config.data_sections import Source
from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from include.foundation.lines.sources import Access

DRIVERS = {
    "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite", "mysql": "mysql+pymysql",
    "mssql": "mssql+pymssql", "redshift": "postgresql+psycopg",
}  # fmt: skip


class LogSourceHook(BaseHook):
    """Open what ``logs`` or ``feedback`` of a loop file names.

    For ``format: sql`` the connection is a database's; extra ``drivername`` names another SQLAlchemy driver than the usual one.
    For ``s3://`` it is of type ``aws``: login and password are the key, extra has ``region_name``, ``endpoint_url`` and
    ``aws_session_token``. Without a connection the store's own credentials are used.

    Parameters
    ----------
    source
        The section of the loop file.
    s3_options
        Of the store, as ``boto3.client`` takes them.
    """

    def __init__(self, source: Source, s3_options: dict[str, Any]) -> None:
        super().__init__()
        self.source = source
        self.s3_options = s3_options

    def get_conn(self) -> "Access":
        """Return what opens the source.

        Raises
        ------
        ConfigError
            If the connection's type has no known driver.
        """
        from include.foundation.lines.sources import Access

        if self.source.connection is None:
            return Access(self.s3_options)
        found = self.get_connection(self.source.connection)
        if self.source.format == "sql":
            return Access(self.s3_options, _database_url(found))
        return Access(_s3_options(found))


def _database_url(found: Connection) -> str:
    from include.stages.logs.slices.queries import database_url

    extra = found.extra_dejson
    driver = extra.pop("drivername", None) or DRIVERS.get(found.conn_type or "")
    if driver is None:
        raise ConfigError(
            f"Connection {found.conn_id}: no driver is known for type {found.conn_type!r}; there are: {', '.join(DRIVERS)}. "
            "Name one in its extra: drivername"
        )
    account = {"username": found.login, "password": found.password, "port": found.port}
    return database_url(driver, found.host, found.schema, account, extra)


def _s3_options(found: Connection) -> dict[str, Any]:
    extra = found.extra_dejson
    options = {
        "aws_access_key_id": found.login, "aws_secret_access_key": found.password, "region_name": extra.get("region_name"),
        "endpoint_url": extra.get("endpoint_url"), "aws_session_token": extra.get("aws_session_token"),
    }  # fmt: skip
    return {name: value for name, value in options.items() if value}
