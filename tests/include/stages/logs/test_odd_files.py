"""Files of any name, size and content: one that cannot be used is refused with its reason, and the others land."""

import gzip
import json
import os
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.lines import refusals
from include.foundation.lines.values import LONGEST_LINE
from include.stages.logs.landing import staging
from include.stages.logs.pulling import plan_pull, planned, pull_logs, pull_partition, report, write_plan
from include.stages.logs.slices import local_lines
from tests.builders import KEY, day, line, make_store, write_lines
from tests.include.stages.logs.log_builders import make_pull

HIVE = "model_version=3/desk=us"


def refused(store):
    return [(row["source"], row["reason_code"]) for row in store.read("quarantine").sort_by("source").to_pylist()]


def write_as(log_format, folder, name, number):
    """Write one line as a file of a format."""
    item = line(number, model_version="7", probabilities=None)
    path = folder / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if log_format == "parquet":
        pq.write_table(pa.Table.from_pylist([item]), path)
    elif log_format == "csv":
        flat = {**item, "input.text": item["input"]["text"], "segments.desk": item["segments"]["desk"]}
        cells = {key: value for key, value in flat.items() if isinstance(value, str)}
        path.write_text(",".join(cells) + "\n" + ",".join(cells.values()) + "\n")
    else:
        path.write_text(json.dumps(item) + "\n")


@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet"])
def test_name_of_a_folder_is_no_column(tmp_path, log_format):
    store = make_store(tmp_path, logs={"format": log_format})
    write_as(log_format, tmp_path, f"{HIVE}/a.{log_format}", 2)
    pull_logs(store, day(), KEY)
    (row,) = store.read("predictions").to_pylist()
    assert (row["model_version"], row["segment_desk"]) == ("7", "eu")


@pytest.mark.parametrize("second", ["prediction", "Prediction"])
@pytest.mark.parametrize("first", [True, False])
def test_parquet_file_with_a_column_twice_is_refused_rather_than_read_by_one_of_them(tmp_path, second, first):
    """As of two joined tables: readers take either in silence (https://github.com/apache/datafusion/issues/24381)."""
    store = make_store(tmp_path, logs={"format": "parquet"})
    good = pa.Table.from_pylist([line(1, probabilities=None)])
    table = good.add_column(0 if first else good.num_columns, pa.field(second, pa.string()), pa.array(["acq"]))
    pq.write_table(table, tmp_path / "logs" / "joined.parquet")
    write_as("parquet", tmp_path, "good.parquet", 2)
    assert pull_logs(store, day(), KEY).rows == 1
    assert refused(store) == [("joined.parquet", "not_parquet")]
    assert "columns twice, or alike but for upper and lower case: " in store.read("quarantine")["reason"][0].as_py()


def test_ids_that_would_be_read_as_nearby_doubles_are_refused_with_their_file(tmp_path):
    """BigQuery exports BIGNUMERIC so; DuckDB reads 5 as 5.000000000000001."""
    store = make_store(tmp_path, logs={"format": "parquet"})
    rows = pa.Table.from_pylist([line(1, trace_id=None, probabilities=None)])
    wide = pa.array([Decimal(5)], pa.decimal256(76, 38))
    pq.write_table(rows.append_column("trace_id", wide), tmp_path / "logs" / "0.parquet")
    harmless = rows.append_column("trace_id", pa.array(["t1"])).append_column("price", wide)
    pq.write_table(harmless, tmp_path / "logs" / "1.parquet")
    assert pull_logs(store, day(), KEY).rows == 1
    (row,) = store.read("quarantine").to_pylist()
    assert (row["source"], row["reason_code"]) == ("0.parquet", "not_parquet")
    assert row["reason"].endswith("decimals of more than 38 digits, cast them to text: trace_id")


def with_bytes_that_are_not_utf8(folder, text):
    """A store with a good file, and one in which the first byte of a text is spoilt."""
    store = make_store(folder, logs={"format": "parquet"})
    write_as("parquet", folder, "bad.parquet", 1)
    path = folder / "logs" / "bad.parquet"
    path.write_bytes(path.read_bytes().replace(text, b"\x80" + text[1:]))
    write_as("parquet", folder, "good.parquet", 2)
    return store


@pytest.mark.parametrize("name", [b"user_id", b"text", b"schema"])
def test_parquet_file_with_a_name_that_is_not_utf8_is_refused_and_the_others_land(tmp_path, name):
    store = with_bytes_that_are_not_utf8(tmp_path, name)
    assert pull_logs(store, day(), KEY).rows == 1
    assert refused(store) == [("bad.parquet", "not_parquet")]
    assert "name is not UTF-8" in store.read("quarantine")["reason"][0].as_py()


@pytest.mark.parametrize("text", [b"t1", b"acq"])
def test_row_of_parquet_with_a_text_that_is_not_utf8_does_not_keep_the_others_out(tmp_path, text):
    store = with_bytes_that_are_not_utf8(tmp_path, text)
    assert pull_logs(store, day(), KEY).rows == 1
    assert [source for source, _ in refused(store)] == ["bad.parquet"]


@pytest.mark.parametrize("nested", [False, True])
def test_texts_that_a_parquet_file_calls_bytes_are_texts(tmp_path, nested):
    """As ClickHouse and Impala write them (https://github.com/ClickHouse/ClickHouse/issues/40000)."""
    store = make_store(tmp_path, logs={"format": "parquet"})
    texts = {
        "trace_id": ["é1", "é2"], "ts": ["2026-03-10T03:00:00Z"] * 2, "model_version": ["1"] * 2,
        "prediction": ["earn", " earn"],  # the second is read with care
    }  # fmt: skip
    columns = {name: pa.array([text.encode() for text in values]) for name, values in texts.items()}
    inputs = pa.array(["café".encode(), "naïve".encode()])
    columns |= {"input": pa.StructArray.from_arrays([inputs], ["text"])} if nested else {"input.text": inputs}
    pq.write_table(pa.table(columns), tmp_path / "logs" / "a.parquet")
    assert pull_logs(store, day(), KEY).rows == 2
    found = {(row["trace_id"], row["input_text"], row["predicted"]) for row in store.read("predictions").to_pylist()}
    assert found == {("é1", "café", "earn"), ("é2", "naïve", "earn")}


def test_bytes_that_are_no_texts_harm_no_file_that_does_not_need_them(tmp_path):
    store = make_store(tmp_path, logs={"format": "parquet"})
    item = {**line(1, probabilities=None), "thumbnail": b"\xff\xd8", "segments": None}
    pq.write_table(pa.Table.from_pylist([item]), tmp_path / "logs" / "a.parquet")
    assert pull_logs(store, day(), KEY).rows == 1


@pytest.mark.parametrize("log_format", ["jsonl", "csv", "parquet"])
def test_name_that_is_not_utf8_is_planned_and_read(tmp_path, log_format):
    store = make_store(tmp_path, logs={"format": log_format})
    write_as(log_format, tmp_path, f"a.{log_format}", 1)
    path = tmp_path / "logs" / f"a.{log_format}"
    path.rename(path.with_stem(os.fsdecode(b"caf\xe9")))
    pull = make_pull(store)
    for key in write_plan(pull, plan_pull(pull).partitions):
        pull_partition(pull, planned(store, key))
    assert store.read("predictions").column("source").to_pylist() == [f"caf\\xe9.{log_format}"]


def test_file_that_unpacks_to_more_than_it_may_is_refused_and_the_others_land(tmp_path, monkeypatch):
    monkeypatch.setattr(local_lines, "MOST_EXPANSION", 10)
    store = make_store(tmp_path, logs={"partition_mb": 1})
    packed = gzip.compress(b" " * (1 << 20) + json.dumps(line(1)).encode())
    (tmp_path / "logs" / "bomb.jsonl.gz").write_bytes(packed)
    (tmp_path / "logs" / "good.jsonl.gz").write_bytes(gzip.compress(json.dumps(line(2)).encode()))
    assert pull_logs(store, day(), KEY).rows == 1
    assert refused(store) == [("bomb.jsonl.gz", "too_large")]
    assert "raise logs.partition_mb" in store.read("quarantine").column("reason")[0].as_py()
    assert pull_logs(store, day(), KEY).files == 2


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_line_that_is_too_long_is_refused_with_its_beginning_and_the_others_land(tmp_path, ending):
    store = make_store(tmp_path)
    long = json.dumps(line(1, input={"text": "x" * (2 * LONGEST_LINE)}))
    lines = "\n".join([json.dumps(line(0)), long, json.dumps(line(2)), ""]).encode()
    (tmp_path / "logs" / f"log{ending}").write_bytes(gzip.compress(lines, 1) if ending.endswith("gz") else lines)
    assert pull_logs(store, day(), KEY).rows == 2
    (row,) = store.read("quarantine").to_pylist()
    assert (row["line"], row["reason_code"]) == (2, "line_too_long")
    assert f"got {len(long)} bytes" in row["reason"] or f"got {len(long) + 1} bytes" in row["reason"]
    assert row["raw"] == long[: refusals.LONGEST_RAW] + "…"


def test_many_long_lines_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    monkeypatch.setattr(staging, "CHUNK_CHARACTERS", 1000)
    write_lines(tmp_path, ["broken " * 100] * 4 + [line(1)])
    held: list[int] = []
    real = staging._next_lines

    def noted(lines):
        chunk = real(lines)
        held.append(len(chunk))
        return chunk

    monkeypatch.setattr(staging, "_next_lines", noted)
    pull_logs(store, day(), KEY)
    assert max(held) == 2
    assert report(store, day()).refused == 4


def test_row_that_needs_more_memory_than_there_is_costs_its_file_only(tmp_path, monkeypatch):
    """A text of 400 MB takes some kilobytes in a compressed Parquet file."""
    store = make_store(tmp_path, logs={"format": "parquet", "memory_mb": 512})
    item = line(1, input={"text": "x" * (400 << 20)}, probabilities=None)
    pq.write_table(pa.Table.from_pylist([item]), tmp_path / "logs" / "large.parquet", compression="zstd")
    del item
    write_as("parquet", tmp_path, "small.parquet", 2)
    assert pull_logs(store, day(), KEY).rows == 1
    assert refused(store) == [("large.parquet", "not_parquet")]


def test_file_that_has_gone_after_the_plan_is_refused_alone_and_read_when_it_is_there_again(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1)], "a.jsonl")
    path = write_lines(tmp_path, [line(2), line(3)], "b.jsonl")
    pull = make_pull(store)
    (slices,) = plan_pull(pull).partitions
    path.rename(tmp_path / "elsewhere")
    for _ in range(2):  # as a task that is tried again
        pull_partition(pull, slices)
        assert (report(store, day()).rows, refused(store)) == (1, [("b.jsonl", "gone")])
    (tmp_path / "elsewhere").rename(path)
    pull_partition(pull, slices)
    assert report(store, day()) == pull_logs(store, day(), KEY)
    assert (report(store, day()).rows, report(store, day()).refused) == (3, 0)
