"""Databases as SQLAlchemy opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg.abc import Loader
    from sqlalchemy import Engine

PSYCOPG = "postgresql+psycopg"
MAY_FAIL = ("date", "timestamp", "timestamptz", "timetz", "interval", "json", "jsonb")


def engine_of(url: str) -> Engine:
    """Return an engine whose rows hold as text what Python cannot, such as the time ``infinity``: else it would stop the query.

    That is so of the drivers that come with the project, psycopg and sqlite3. Of a text in SQLite that is not UTF-8, the bytes
    are kept as surrogates.

    Parameters
    ----------
    url
        Of a database, the password in it.
    """
    from sqlalchemy import create_engine, event

    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        if engine.driver == "pysqlite":
            connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        elif engine.driver == "psycopg":
            for name in MAY_FAIL:
                oid = connection.adapters.types[name].oid
                connection.adapters.register_loader(oid, _careful(connection.adapters.get_loader(oid, 0)))

    return engine


def _careful(loader: type[Loader]) -> type[Loader]:
    """Return a loader that gives the text of what another one cannot load."""
    from psycopg import Error
    from psycopg.adapt import Loader as Base

    class CarefulLoader(Base):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self.loader = loader(oid, context)

        def load(self, data: Any) -> Any:
            try:
                return self.loader.load(data)
            except (Error, ValueError, OverflowError, RecursionError):
                return bytes(data).decode("utf-8", "backslashreplace")

    return CarefulLoader


def database_url(
    driver: str, host: str | None, name: str | None, account: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """Return the URL of a database, the password in it.

    Parameters
    ----------
    driver
        SQLAlchemy's name of dialect and driver.
    host
        Of the server; of SQLite the file.
    name
        Of the database on the server.
    account
        ``username``, ``password`` and ``port``, each of which may be None.
    options
        Passed on to the driver as text.

    Examples
    --------
    >>> database_url("postgresql+psycopg", "db", "logs", {"username": "u", "password": "p@ss"}, {})
    'postgresql+psycopg://u:p%40ss@db/logs'
    >>> database_url("sqlite", "/data/served.db", None, {}, {})
    'sqlite:////data/served.db'
    """
    from sqlalchemy import URL

    if driver == "sqlite":
        return URL.create(driver, database=host).render_as_string()
    query = {key: str(value) for key, value in options.items()}
    return URL.create(driver, **account, host=host, database=name, query=query).render_as_string(hide_password=False)


def url_with_driver(url: str, extra: Mapping[str, Any]) -> str:
    """Return a URL that an Airflow hook made, as it can be opened here.

    Airflow's hooks of Postgres and Redshift hand a connection's extra to the driver beside the URL, and may name another
    driver than psycopg 3, which is the one that comes with the project. Other URLs are left as they are.

    Parameters
    ----------
    url
        Of a database, the password in it.
    extra
        Of the connection. What libpq knows of it and the URL does not have yet is added.

    Examples
    --------
    >>> url_with_driver("postgresql://u:p%40ss@db/logs", {"sslmode": "require", "iam": False})
    'postgresql+psycopg://u:p%40ss@db/logs?sslmode=require'
    >>> url_with_driver("mysql+mysqldb://db/logs", {"charset": "utf8"})
    'mysql+mysqldb://db/logs'
    """
    from psycopg.pq import Conninfo
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgres", "postgresql", "redshift"}:
        return url
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - set(parsed.query)
    options = {name: str(value) for name, value in extra.items() if name in known}
    return parsed.set(drivername=PSYCOPG).update_query_dict(options).render_as_string(hide_password=False)
