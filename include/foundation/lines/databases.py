"""URLs of databases as SQLAlchemy reads them."""

from collections.abc import Mapping
from typing import Any

# psycopg 3 is the driver that comes with the project; providers may name Postgres' older one, or none.
POSTGRES, PSYCOPG = {"postgres", "postgresql", "postgresql+psycopg2"}, "postgresql+psycopg"


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


def url_with_driver(url: str, options: Mapping[str, str]) -> str:
    """Return a URL with a driver that is installed, and with the options that it does not have yet.

    Examples
    --------
    >>> url_with_driver("postgresql://u:p%40ss@db/logs?sslmode=require", {"sslmode": "disable", "connect_timeout": "2"})
    'postgresql+psycopg://u:p%40ss@db/logs?connect_timeout=2&sslmode=require'
    >>> url_with_driver("mysql+mysqldb://db/logs", {})
    'mysql+mysqldb://db/logs'
    """
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.drivername in POSTGRES:
        parsed = parsed.set(drivername=PSYCOPG)
    missing = {name: value for name, value in options.items() if name not in parsed.query}
    return parsed.update_query_dict(missing).render_as_string(hide_password=False)
