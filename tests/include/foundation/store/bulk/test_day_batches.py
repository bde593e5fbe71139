"""A day is read in batches that memory can hold, all of it and nothing else."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from include.foundation.errors import StoreError
from include.foundation.intervals import Interval
from include.foundation.store.bulk.appending import add_files, write_day
from include.foundation.store.bulk.day_batches import day_batches, rows_between
from tests.builders import make_store
from tests.conftest import ROOT

START = datetime(2026, 3, 10, tzinfo=UTC)
COLUMNS = ["trace_id", "confidence", "segment_desk"]


def append(store, numbers, day=0, **changes):
    schema = pa.schema([field for field in store.schema("predictions") if field.name != "day"])
    rows = [
        {
            "trace_id": f"t{n}", "ts": START + timedelta(days=day, minutes=n), "model_version": "1", "predicted": "earn",
            "confidence": n / 100, "segment_desk": ["eu", "us"][n % 2], **changes,
        }
        for n in numbers
    ]  # fmt: skip
    name = (START + timedelta(days=day)).date().isoformat()
    file = write_day(
        store, "predictions", name, pa.Table.from_pylist(rows, schema=schema).to_batches(), ["segment_desk"]
    )
    assert file is not None
    assert add_files(store, "predictions", [file], store.version("predictions"))


def read(store, columns=COLUMNS, **options):
    return list(day_batches(store, "predictions", "2026-03-10", columns, **options))


def test_every_row_of_the_day_comes_once_and_of_no_other_day(tmp_path):
    store = make_store(tmp_path)
    append(store, range(10))
    append(store, range(10, 15))
    append(store, range(20, 25), day=1)
    found = [name for batch in read(store) for name in batch.column("trace_id").to_pylist()]
    assert sorted(found) == sorted(f"t{n}" for n in range(15))


# In a process of its own: what is allocated counts for the whole process, other tests' threads among it.
HELD = """
import sys
from pathlib import Path
import pyarrow as pa
from include.foundation.store.bulk.day_batches import day_batches
from tests.conftest import ROOT
from tests.builders import make_store
store, rows = make_store(Path(sys.argv[1])), int(sys.argv[2])
before = pa.total_allocated_bytes()
for batch in day_batches(store, "predictions", "2026-03-10", ["confidence"], rows=rows):
    print(pa.total_allocated_bytes() - before)
"""


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_no_batch_is_larger_than_asked(tmp_path, rows):
    store = make_store(tmp_path)
    append(store, range(10))
    sizes = [batch.num_rows for batch in read(store, rows=rows)]
    assert sum(sizes) == 10
    assert max(sizes) == min(rows, 10)


def test_memory_is_that_of_one_row_group_however_many_the_file_has(tmp_path):
    store, rows = make_store(tmp_path), 20_000
    schema = pa.schema([field for field in store.schema("predictions") if field.name != "day"])
    drawn = np.random.default_rng(0).random(16 * rows)
    columns = {"confidence": pa.array(drawn), "ts": pa.repeat(pa.scalar(START, schema.field("ts").type), drawn.size)}
    columns |= {name: pa.repeat(pa.scalar("x"), drawn.size) for name in ("trace_id", "model_version", "predicted")}
    arrays = [columns.get(field.name, pa.nulls(drawn.size, field.type)).cast(field.type) for field in schema]
    batches = pa.Table.from_arrays(arrays, schema=schema).to_batches(max_chunksize=rows)
    file = write_day(store, "predictions", "2026-03-10", batches, [])
    assert file is not None
    assert add_files(store, "predictions", [file], None)
    done = subprocess.run(
        [sys.executable, "-c", HELD, str(tmp_path), str(rows)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    held = [int(allocated) for allocated in done.stdout.split()]
    assert len(held) == 16
    assert max(held) < 5 * 8 * rows  # packed, unpacked and decoded, and the file itself is sixteen times as large


def test_columns_come_in_the_order_asked_for(tmp_path):
    store = make_store(tmp_path)
    append(store, range(4))
    for columns in (COLUMNS, COLUMNS[::-1], ["confidence"]):
        for batch in read(store, columns):
            assert batch.schema.names == columns
    batch = read(store, ["segment_desk", "trace_id"])[0]
    pairs = set(zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True))
    assert pairs == {("eu", "t0"), ("us", "t1"), ("eu", "t2"), ("us", "t3")}


def test_column_that_a_file_was_written_without_is_null(tmp_path):
    append(make_store(tmp_path), range(3))
    store = make_store(tmp_path, segments=["lang", "desk"])
    append(store, range(3, 5), segment_lang="en")
    found = {}
    for batch in read(store, ["segment_lang", "trace_id", "segment_desk"]):
        assert batch.schema.names == ["segment_lang", "trace_id", "segment_desk"]
        found |= dict(zip(batch.column(1).to_pylist(), batch.column(0).to_pylist(), strict=True))
    assert found == {"t0": None, "t1": None, "t2": None, "t3": "en", "t4": "en"}


def test_columns_that_no_file_has_are_null_for_every_row(tmp_path):
    append(make_store(tmp_path), range(3))
    store = make_store(tmp_path, segments=["lang", "desk"])
    found = [value for batch in read(store, ["segment_lang"]) for value in batch.column("segment_lang").to_pylist()]
    assert found == [None] * 3


def test_table_or_day_that_is_not_there_has_no_batches(tmp_path):
    store = make_store(tmp_path)
    assert read(store) == []
    append(store, range(2), day=1)
    assert read(store) == []


def test_file_that_is_gone_or_broken_is_an_error_of_the_store(tmp_path):
    store = make_store(tmp_path)
    append(store, range(2))
    path = next(Path(store.uri, "predictions").rglob("*.parquet"))
    path.write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="cannot be read"):
        read(store)
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        read(store)


def test_rows_between_counts_to_the_microsecond(tmp_path):
    store = make_store(tmp_path)
    assert rows_between(store, "predictions", Interval(START, START + timedelta(days=1))) == 0
    append(store, range(10))
    append(store, range(3), day=1)
    for start, end, count in ((0, 1440, 10), (0, 1, 1), (1, 1, 0), (9, 1440, 1), (0, 2880, 13), (1440, 2880, 3)):
        moments = [START + timedelta(minutes=number) for number in (start, end)]
        if start < end:
            assert rows_between(store, "predictions", Interval(*moments)) == count
    late = Interval(START + timedelta(microseconds=1), START + timedelta(minutes=2))
    assert rows_between(store, "predictions", late) == 1
