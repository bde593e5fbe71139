"""The URL of an Airflow connection's database: what the provider of its type makes of it, or a table of drivers."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException

from include.foundation.errors import ConfigError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

# For types whose provider is not installed: these need a driver alone, and Postgres' comes with the project.
DRIVERS = {
    "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "redshift": "postgresql+psycopg",
    "sqlite": "sqlite", "mysql": "mysql+pymysql", "mssql": "mssql+pymssql",
}  # fmt: skip


def url_of(connection: Connection, driver: str | None = None) -> str:
    """Return SQLAlchemy's URL of a connection, the password in it.

    With a driver the URL is made of the connection's fields and the rest of its extra. Otherwise the hook of the connection's
    type makes it, where the provider of that type is installed; where it is not, a table of drivers is used.

    Parameters
    ----------
    connection
        Of a database.
    driver
        SQLAlchemy's name of dialect and driver, which the extra has as ``drivername``.

    Raises
    ------
    ConfigError
        If no provider of the type is installed and no driver is known, the type is no database's, or SQLite has no file.
    """
    from include.foundation.lines.databases import database_url, url_with_driver

    if "sqlite" in (driver, connection.conn_type) and not connection.host:
        raise ConfigError(f"Connection {connection.conn_id}: no host, expected the file of the SQLite database")
    extra = {name: value for name, value in connection.extra_dejson.items() if name != "drivername"}
    hook = None if driver else _provider_hook(connection)
    if hook is not None:
        return url_with_driver(_url_made_by(hook), extra)
    driver = driver or DRIVERS.get(str(connection.conn_type))
    if driver is None:
        raise ConfigError(
            f"Connection {connection.conn_id}: no provider of type {connection.conn_type!r} is installed. Add it to "
            f"requirements.in (such as apache-airflow-providers-{connection.conn_type}), or name a SQLAlchemy driver in "
            f"the connection's extra: drivername. Without either these types work: {', '.join(DRIVERS)}"
        )
    account = {"username": connection.login, "password": connection.password, "port": connection.port}
    return database_url(driver, connection.host, connection.schema, account, extra)


def _provider_hook(connection: Connection) -> "DbApiHook | None":
    """Return the hook of a connection's type; None if no provider of that type is installed."""
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    try:
        hook = BaseHook.get_hook(connection.conn_id)
    except ImportError as error:
        raise ConfigError(
            f"Connection {connection.conn_id}: the provider of type {connection.conn_type!r} lacks a package: {error}. "
            "Install it, or name a SQLAlchemy driver in the connection's extra: drivername"
        ) from error
    except (AirflowException, AttributeError):  # what the SDK raises for a type without a provider, or without a hook
        return None
    if not isinstance(hook, DbApiHook):
        raise ConfigError(
            f"Connection {connection.conn_id}: got type {connection.conn_type!r}, expected a database's for format: sql"
        )
    return hook


def _url_made_by(hook: "DbApiHook") -> str:
    try:
        return hook.sqlalchemy_url.render_as_string(hide_password=False)
    except NotImplementedError:
        return hook.get_uri()
