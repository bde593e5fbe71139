"""A user's own names: every field is found wherever it is."""

import csv
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.digests import table_digest
from include.stages.logs.pulling import pull_logs
from include.stages.logs.rules import field_paths
from include.stages.logs.rules.field_paths import located
from tests.builders import CLASSES, KEY, day, line, make_store, write_lines

COLUMNS = {
    "trace_id": "meta.request.id",
    "ts": "meta.time",
    "model_version": "model",
    "prediction": "answer",
    "input.text": "body",
    "segments": "tags",
    "segments.desk": "region",
    "user_id": "meta.person",
    "embedding": "vectors.last",
    **{f"probabilities.{name}": f"p_{name}" for name in CLASSES},
}


def renamed(record):
    return {
        "meta": {"request": {"id": record["trace_id"]}, "time": record["ts"], "person": record["user_id"]},
        "model": record["model_version"],
        "answer": record["prediction"],
        "body": record["input"]["text"],
        "region": record["segments"]["desk"],
        "vectors": {"last": record["embedding"]},
        **{f"p_{name}": value for name, value in record["probabilities"].items()},
    }


def flat(record):
    return {
        "meta.request.id": record["trace_id"],
        "meta.time": record["ts"],
        "meta.person": record["user_id"],
        "vectors.last": json.dumps(record["embedding"]),
        **{name: value for name, value in renamed(record).items() if name not in {"meta", "vectors"}},
    }


def write(folder, log_format, records):
    path = folder / "logs" / f"a.{log_format}"
    if log_format == "jsonl":
        write_lines(folder, [renamed(record) for record in records], path.name)
    elif log_format == "parquet":
        pq.write_table(pa.Table.from_pylist([renamed(record) for record in records]), path)
    else:
        rows = [flat(record) for record in records]
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.mark.parametrize("odd", [False, True], ids=["sure", "looked-at"])
@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet"])
def test_renamed_fields_give_the_rows_of_our_names(tmp_path, log_format, odd):
    moment: Any = {"ts": "2026-03-10T03"} if odd else {}  # what the scan is not sure about
    records = [line(n, embedding=[0.5, n], **moment) for n in range(4)]
    digests = []
    for name, logs in (("plain", {}), ("renamed", {"columns": COLUMNS, "format": log_format})):
        folder = tmp_path / name
        folder.mkdir()
        store = make_store(folder, logs=logs)
        if logs:
            write(folder, log_format, records)
        else:
            write_lines(folder, records)
        assert pull_logs(store, day(), KEY).rows == 4
        assert store.read("quarantine").num_rows == 0
        digests.append(table_digest(store.read("predictions").drop_columns(["source"])))
    assert digests[0] == digests[1]


def test_optional_fields_may_be_absent_under_other_names(tmp_path):
    store = make_store(tmp_path, logs={"columns": COLUMNS})
    whole, bare = renamed(line(1, embedding=[0.5])), renamed(line(2, embedding=[0.5]))
    for name in ("region", "vectors", *(f"p_{name}" for name in CLASSES)):
        bare.pop(name)
    for records in ([whole, bare], [bare, whole]):
        write_lines(tmp_path, records)
        pull_logs(store, day(), KEY)
        rows = store.read("predictions").to_pylist()
        assert [row["confidence"] for row in rows] == [0.6, None]
        assert [row["segment_desk"] for row in rows] == ["us", None]
        assert [row["embedding"] for row in rows] == [[0.5], None]


def test_bad_lines_under_other_names_are_refused_with_our_names(tmp_path):
    store = make_store(tmp_path, logs={"columns": COLUMNS})
    bad = renamed(line(1, embedding=[0.5])) | {"answer": "weather", "p_earn": 3}
    write_lines(tmp_path, [renamed(line(2, embedding=[0.5])), bad])
    assert pull_logs(store, day(), KEY).rows == 1
    reason = store.read("quarantine").to_pylist()[0]["reason"]
    assert "prediction: got 'weather'" in reason
    assert "probabilities: got" in reason


def test_longest_renamed_part_of_a_path_decides():
    columns = {"input": "payload", "input.text": "body.raw"}
    assert located(columns, ("input", "text")) == ("body", "raw")
    assert located(columns, ("input", "size")) == ("payload", "size")
    assert located(columns, ("ts",)) == ("ts",)


def test_nested_and_flat_records_become_the_same():
    paths = [("trace_id",), ("input", "text"), ("segments", "desk")]
    nested = {"id": "t1", "input": {"text": "a"}, "segments": {"desk": "eu"}}
    flat_record = {"id": "t1", "input.text": "a", "segments.desk": "eu"}
    assert field_paths.renamed({"trace_id": "id"}, paths, nested) == field_paths.renamed(
        {"trace_id": "id"}, paths, flat_record
    )
