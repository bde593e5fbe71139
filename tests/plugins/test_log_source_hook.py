"""A source's connection becomes what opens it, and nothing of it is shown."""

import pytest
from airflow.sdk import Connection
from feedback_loop.hooks.log_source_hook import LogSourceHook

from include.foundation.config.data_sections import Source
from include.foundation.errors import ConfigError

SQL = {"format": "sql", "connection": "warehouse", "query": "SELECT 1 WHERE :start < :end"}


def access(monkeypatch, source, connection):
    monkeypatch.setattr(LogSourceHook, "get_connection", lambda _, conn_id: connection)
    return LogSourceHook(Source(**source), {"region_name": "store"}).get_conn()


def test_without_a_connection_the_stores_credentials_are_used(monkeypatch):
    assert access(monkeypatch, {"uri": "s3://b/p"}, None).s3_options == {"region_name": "store"}


def test_connection_of_an_object_store_gives_its_options(monkeypatch):
    found = Connection(
        conn_id="logs", conn_type="aws", login="key", password="secret", extra='{"endpoint_url": "http://127.0.0.1:9"}'
    )
    opened = access(monkeypatch, {"uri": "s3://b/p", "connection": "logs"}, found)
    assert opened.s3_options == {
        "aws_access_key_id": "key", "aws_secret_access_key": "secret", "endpoint_url": "http://127.0.0.1:9",
    }  # fmt: skip
    assert "secret" not in repr(opened)


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        (
            Connection(
                conn_id="w", conn_type="postgres", host="db", port=5432, login="u", password="p@ss", schema="logs"
            ),
            "postgresql+psycopg://u:p%40ss@db:5432/logs",
        ),
        (Connection(conn_id="w", conn_type="sqlite", host="/tmp/a.db"), "sqlite:////tmp/a.db"),
    ],
    ids=["postgres", "sqlite"],
)
def test_connection_of_a_database_gives_its_url(monkeypatch, connection, url):
    opened = access(monkeypatch, SQL, connection)
    assert opened.database_url == url
    assert "p@ss" not in repr(opened)


def test_unknown_type_of_database_says_what_to_do(monkeypatch):
    with pytest.raises(ConfigError, match=r"oracle.*drivername"):
        access(monkeypatch, SQL, Connection(conn_id="w", conn_type="oracle", host="h"))
