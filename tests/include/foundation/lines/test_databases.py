"""URLs of databases hold what opens them, the password too, and only what the driver knows."""

import pytest

from include.foundation.lines.databases import database_url, url_with_driver


def test_a_url_has_the_account_in_it_and_the_options_as_text():
    account = {"username": "u", "password": "p@ss/", "port": 5433}
    url = database_url("postgresql+psycopg", "db", "logs", account, {"connect_timeout": 3})
    assert url == "postgresql+psycopg://u:p%40ss%2F@db:5433/logs?connect_timeout=3"


def test_a_url_of_sqlite_is_its_file():
    assert (
        database_url("sqlite", "/a b/served.db", "ignored", {"username": "u"}, {"x": 1}) == "sqlite:////a b/served.db"
    )


@pytest.mark.parametrize("backend", ["postgres", "postgresql", "postgresql+psycopg2", "redshift+redshift_connector"])
def test_a_url_of_any_driver_of_postgres_is_opened_by_the_one_that_comes_with_the_project(backend):
    url = url_with_driver(f"{backend}://u:p%40ss@db/logs", {"sslmode": "require", "iam": True})
    assert url == "postgresql+psycopg://u:p%40ss@db/logs?sslmode=require"


def test_an_option_in_the_url_counts_more_than_the_extra_of_the_connection():
    url = url_with_driver("postgresql://db/logs?sslmode=disable", {"sslmode": "require"})
    assert url == "postgresql+psycopg://db/logs?sslmode=disable"


def test_urls_of_other_databases_are_left_as_they_are():
    assert url_with_driver("mysql+mysqldb://u:p@db/logs", {"sslmode": "require"}) == "mysql+mysqldb://u:p@db/logs"
