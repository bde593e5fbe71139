"""A source is compared with the loop file before anything is pulled."""

import csv
import gzip
import json
import sqlite3

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.errors import StoreError
from include.foundation.lines.sources import Access
from include.stages.logs.source_sample import look_at
from tests.builders import line, make_loop, write_lines


def found(loop, section="logs", access=None):
    findings = list(look_at(loop, section, access or Access()))
    return [item.sentence for item in findings if item.is_problem], [
        item.sentence for item in findings if not item.is_problem
    ]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "logs").mkdir()
    return tmp_path


def test_source_that_fits_has_nothing_to_say(folder):
    write_lines(folder, [line(n) for n in range(5)])
    assert found(make_loop(folder)) == ([], [])


@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet", "jsonl.gz"])
def test_field_that_no_record_has_is_named_with_those_there_are(folder, log_format):
    record = {"id": "t1", "ts": "2026-03-10T03:00:00Z", "model_version": "1", "prediction": "earn", "body": "x"}
    path = folder / "logs" / f"a.{log_format}"
    if log_format == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(record))
            writer.writeheader()
            writer.writerow(record)
    elif log_format == "parquet":
        pq.write_table(pa.Table.from_pylist([record]), path)
    else:
        content = json.dumps(record).encode() + b"\n"
        path.write_bytes(gzip.compress(content) if log_format.endswith("gz") else content)
    logs = {"format": log_format.split(".")[0]}
    [problem], _ = found(make_loop(folder, logs=logs))
    assert (
        f"no record of a.{log_format} has trace_id, input.text; there are id, ts, model_version, prediction, body"
        in problem
    )
    assert "logs.columns" in problem
    columns = {"trace_id": "id", "input.text": "body"}
    assert found(make_loop(folder, logs={**logs, "columns": columns}))[0] == []


def test_what_the_loop_can_do_without_is_a_note(folder):
    write_lines(folder, [line(n, segments=None, probabilities=None) for n in range(5)])
    problems, notes = found(make_loop(folder))
    assert problems == []
    assert [note.split(" has ")[1] for note in notes] == [
        "segments.desk, so that nothing is judged by it",
        "probabilities, so that uncertain rows cannot be told",
    ]


@pytest.mark.parametrize(("bad", "stops"), [(1, False), (5, True)])
def test_records_that_would_be_refused_are_counted_with_a_reason(folder, bad, stops):
    write_lines(folder, [line(n, prediction="weather" if n < bad else "earn") for n in range(40)])
    problems, notes = found(make_loop(folder))
    [said] = problems if stops else notes
    assert bool(problems) == stops
    assert f"{bad} of 40 records of log.jsonl would be refused, such as: prediction: got 'weather'" in said


def test_folder_or_file_that_is_not_there_yet_is_a_note(folder):
    assert found(make_loop(folder / "nowhere"))[0] == []
    assert "no folder" in found(make_loop(folder / "nowhere"))[1][0]
    (folder / "logs" / "a.json").write_text("{}")
    assert "no file of format jsonl is in" in found(make_loop(folder))[1][0]
    assert "1 other files, such as a.json" in found(make_loop(folder))[1][0]


def test_file_of_another_format_is_a_problem(folder):
    (folder / "logs" / "a.jsonl").write_text("trace_id,ts\nt1,2026\n")
    [problem], _ = found(make_loop(folder))
    assert "no line of a.jsonl can be read" in problem


def test_newest_file_is_looked_at(folder):
    import os

    old = write_lines(folder, [{"odd": 1}], "z.jsonl")
    os.utime(old, (1, 1))
    write_lines(folder, [line(1)], "a.jsonl")
    assert found(make_loop(folder)) == ([], [])


def test_feedback_is_compared_with_its_own_fields(folder):
    (folder / "feedback").mkdir()
    record = {"id": "f1", "trace_id": "t1", "ts": "2026-03-10T03:00:00Z", "kind": "explicit", "signal": "report"}
    (folder / "feedback" / "a.jsonl").write_text(json.dumps(record) + "\n")
    uri = str(folder / "feedback")
    [problem], _ = found(make_loop(folder, feedback={"uri": uri}), "feedback")
    assert "no record of a.jsonl has feedback_id" in problem
    assert found(make_loop(folder, feedback={"uri": uri, "columns": {"feedback_id": "id"}}), "feedback") == ([], [])


@pytest.fixture
def database(folder):
    path = folder / "served.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE served (id TEXT, at TEXT)")
    return Access(database_url=f"sqlite:///{path}")


def test_query_is_tried(folder, database):
    def logs(query):
        return make_loop(folder, logs={"uri": None, "format": "sql", "connection": "w", "query": query})

    assert found(logs("SELECT id AS trace_id FROM served WHERE at >= :start AND at < :end"), "logs", database)[0] == []
    with pytest.raises(StoreError, match="no such column"):
        found(logs("SELECT missing FROM served WHERE at >= :start AND at < :end"), "logs", database)
    [problem], _ = found(logs("SELECT 't1' AS id, :start AS ts, :end AS more"), "logs", database)
    assert "no record of the query's newest hour" in problem
    assert "there are id, ts, more" in problem
