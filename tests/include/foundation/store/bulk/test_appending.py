"""Files written beside a table: what their statistics say never hides a row, and what fails leaves nothing behind."""

import json
import operator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.foundation.errors import StoreError
from include.foundation.store.bulk.appending import add_files, discard, write_day
from tests.builders import make_store

DAY = "2026-03-10"
START = datetime(2026, 3, 10, tzinfo=UTC)
COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
REPETITIVE = ["model_version", "predicted"]


def row(number, **changes):
    return {
        "trace_id": f"t{number}",
        "ts": START + timedelta(hours=number % 24),
        "model_version": "1",
        "predicted": "earn",
        "confidence": 0.5,
        "probabilities": [0.5, 0.5],
        **changes,
    }


def batches(store, rows, size=3):
    schema = pa.schema([field for field in store.schema("predictions") if field.name != "day"])
    return pa.Table.from_pylist(rows, schema=schema).to_batches(max_chunksize=size)


def append(store, rows, day=DAY, size=3):
    file = write_day(store, "predictions", day, batches(store, rows, size), REPETITIVE)
    assert file is not None
    assert add_files(store, "predictions", [file], store.version("predictions"))
    return file


def files_of(folder):
    return sorted(path.name for path in folder.rglob("*.parquet"))


texts = st.one_of(
    st.text(max_size=5), st.text("a\U0010ffff", min_size=30, max_size=36), st.text(min_size=31, max_size=40),
    st.sampled_from(["", "a" * 32, "a" * 33, "é" * 40, "a" * 31 + "\U0010ffff" * 3, "\U0010ffff" * 40, "'", '"', "😀"]),
)  # fmt: skip
moments = st.datetimes(datetime(2026, 3, 10), datetime(2026, 3, 10, 23, 59, 59, 999999)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 0.1, 1e-320])
drawn_rows = st.lists(
    st.fixed_dictionaries({"trace_id": texts, "ts": moments, "confidence": numbers, "input_text": st.none() | texts}),
    min_size=1,
    max_size=4,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(drawn_rows, min_size=1, max_size=3))
@example([[{"trace_id": "a" * 32 + "\U0010ffffx", "ts": START + timedelta(microseconds=999), "confidence": None,
            "input_text": None}]])  # fmt: skip
def test_every_kind_of_filter_finds_every_row(tmp_path_factory, groups):
    store = make_store(tmp_path_factory.mktemp("stats"))
    rows = [row(n, **found) for group in groups for n, found in enumerate(group)]
    place = 0
    for group in groups:
        append(store, rows[place : place + len(group)])
        place += len(group)
    for name in ("trace_id", "ts", "confidence", "input_text"):
        for value in list({found[name] for found in rows if found[name] is not None})[:3]:
            for sign, holds in COMPARE.items():
                wanted = sum(found[name] is not None and holds(found[name], value) for found in rows)
                assert store.read("predictions", filters=[(name, sign, value)]).num_rows == wanted, (name, sign, value)
            if name != "confidence":  # 0.0 is not in [-0.0]
                wanted = sum(found[name] == value for found in rows)
                assert store.read("predictions", filters=[(name, "in", [value])]).num_rows == wanted


def test_statistics_hold_every_value_of_every_batch(tmp_path):
    store = make_store(tmp_path)
    rows = [
        row(
            n,
            trace_id="é" * 40 + str(n),
            ts=START + timedelta(microseconds=1500 * n),
            confidence=None if n % 2 else n / 8,
        )
        for n in range(8)
    ]
    found = json.loads(append(store, rows).stats)
    assert found["numRecords"] == 8
    assert found["nullCount"]["confidence"] == 4
    assert found["nullCount"]["input_text"] == 8
    assert "input_text" not in found["minValues"] | found["maxValues"]
    assert found["minValues"]["trace_id"] == "é" * 32
    assert found["maxValues"]["trace_id"] > "é" * 40 + "7"
    assert (found["minValues"]["confidence"], found["maxValues"]["confidence"]) == (0, 6 / 8)
    assert found["minValues"]["ts"] == "2026-03-10T00:00:00.000Z"
    assert found["maxValues"]["ts"] >= "2026-03-10T00:00:00.011Z"


def test_filter_opens_no_file_that_cannot_have_a_row(tmp_path):
    store = make_store(tmp_path)
    for number in range(3):
        append(store, [row(number, trace_id=f"t{number}", ts=START + timedelta(hours=number))])
    table = store.open_table("predictions")
    dataset = table.to_pyarrow_dataset()
    import pyarrow.compute as pc

    bound = pa.scalar(START + timedelta(hours=2), pa.timestamp("us", "UTC"))
    assert len(list(dataset.get_fragments(pc.field("ts") >= bound))) == 1
    assert len(list(dataset.get_fragments(pc.field("trace_id") == "t1"))) == 1


@pytest.mark.parametrize("year", [1, 999, 1969, 2026])
def test_moment_of_any_year_is_found_again(tmp_path, year):
    store, moment = make_store(tmp_path), datetime(year, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    append(store, [row(1, ts=moment)], day=moment.date().isoformat())
    assert store.read("predictions", filters=[("ts", "=", moment)]).num_rows == 1
    assert store.read("predictions", filters=[("ts", "<", moment)]).num_rows == 0


def test_new_segment_becomes_a_column_and_older_rows_have_none(tmp_path):
    append(make_store(tmp_path), [row(1, segment_desk="eu")])
    store = make_store(tmp_path, segments=["desk", "lang"])
    append(store, [row(2, segment_desk="us", segment_lang="en")])
    rows = store.read("predictions").to_pylist()
    assert [(found["segment_desk"], found["segment_lang"]) for found in rows] == [("eu", None), ("us", "en")]
    assert store.read("predictions", filters=[("segment_lang", "=", "en")]).num_rows == 1


def test_other_tools_of_delta_lake_read_the_table(tmp_path):
    store = make_store(tmp_path)
    append(store, [row(1), row(2)])
    table = DeltaTable(f"{store.uri}/predictions")
    assert table.to_pyarrow_table().num_rows == 2
    assert table.schema().to_arrow() is not None
    assert table.metadata().partition_columns == ["day"]


def test_writer_that_fails_leaves_no_file(tmp_path):
    store = make_store(tmp_path)

    def broken():
        yield from batches(store, [row(1)])
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        write_day(store, "predictions", DAY, broken(), REPETITIVE)
    assert files_of(tmp_path) == []


def test_disk_that_fails_is_an_error_of_the_store_and_leaves_no_file(tmp_path, monkeypatch):
    store = make_store(tmp_path)
    monkeypatch.setattr(
        "pyarrow.parquet.ParquetWriter.write_batch", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(StoreError, match="could not be written"):
        write_day(store, "predictions", DAY, batches(store, [row(1)]), REPETITIVE)
    assert files_of(tmp_path) == []


def test_no_rows_are_no_file(tmp_path):
    store = make_store(tmp_path)
    assert write_day(store, "predictions", DAY, batches(store, []), REPETITIVE) is None
    assert write_day(store, "predictions", DAY, [], REPETITIVE) is None
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("version", [None, 0], ids=["new-table", "present-table"])
def test_writer_that_was_not_first_is_told_and_its_files_can_be_discarded(tmp_path, version):
    store = make_store(tmp_path)
    append(store, [row(1)])
    append(store, [row(2)])
    late = write_day(store, "predictions", DAY, batches(store, [row(3)]), REPETITIVE)
    assert not add_files(store, "predictions", [late], version)
    assert len(files_of(tmp_path)) == 3
    discard(store, "predictions", [late])
    assert len(files_of(tmp_path)) == 2
    assert store.read("predictions").column("trace_id").to_pylist() == ["t1", "t2"]


def test_writer_of_a_new_column_that_was_not_first_is_told(tmp_path):
    append(make_store(tmp_path), [row(1)])
    store = make_store(tmp_path, segments=["desk", "lang"])
    late = write_day(store, "predictions", DAY, batches(store, [row(3, segment_lang="en")]), REPETITIVE)
    append(make_store(tmp_path), [row(2)])
    assert not add_files(store, "predictions", [late], 0)
    assert add_files(store, "predictions", [late], 1)
    assert store.read("predictions").column("trace_id").to_pylist() == ["t1", "t2", "t3"]
