"""Single rows of files: each column's values come with their places, and rows are picked by them."""

import numpy as np
import pyarrow as pa
import pytest

from include.foundation.store.bulk import appending, file_rows
from include.foundation.store.bulk.file_rows import column_with_places, files_by_day, picked_rows, rows_with
from tests.builders import make_store
from tests.include.foundation.store.bulk.test_appending import DAY, append, row

NEXT = "2026-03-11"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Seven rows of a day and two of the next, in row groups of three that are read two rows at a time."""
    monkeypatch.setattr(appending, "ROWS_A_GROUP", 3)
    monkeypatch.setattr(file_rows, "ROWS", 2)
    store = make_store(tmp_path)
    append(store, [row(number) for number in range(7)], size=7)
    append(store, [row(number) for number in (7, 8)], NEXT)
    dataset = store.dataset("predictions")
    return dataset, files_by_day(dataset, [DAY, NEXT])


def test_values_of_a_column_come_with_their_file_and_their_row_in_it(written):
    dataset, files = written
    assert list(files.values()) == [DAY, NEXT]
    rows = column_with_places(dataset, list(files), "trace_id").read_all().to_pylist()
    expected = [(f"t{number}", 0, number) for number in range(7)] + [("t7", 1, 0), ("t8", 1, 1)]
    assert [(found["trace_id"], found["file"], found["row"]) for found in rows] == expected


@pytest.mark.parametrize("places", [[], [0], [2, 3], [1, 4, 6], list(range(7))])
def test_rows_are_picked_by_their_places_in_order(written, places):
    dataset, files = written
    columns = pa.schema([("colour", pa.string()), ("trace_id", pa.string())])
    picked = list(picked_rows(dataset, next(iter(files)), np.array(places, np.int64), columns))
    found = [one for table in picked for one in table.to_pylist()]
    assert found == [{"colour": None, "trace_id": f"t{place}"} for place in places]


@pytest.mark.parametrize("numbers", [[], [3], [0, 2, 6, 7], [8, 99], list(range(9))])
@pytest.mark.parametrize("days", [[DAY], [DAY, NEXT]])
def test_rows_with_some_values_are_those_of_the_days_asked_for(written, numbers, days):
    dataset, _ = written
    columns = pa.schema([("colour", pa.string()), ("trace_id", pa.string())])
    rows = rows_with(dataset, days, "trace_id", [f"t{number}" for number in numbers], columns)
    there = [number for number in numbers if number < (9 if NEXT in days else 7)]
    assert rows.schema == columns
    assert sorted(rows.column("trace_id").to_pylist()) == [f"t{number}" for number in there]


def test_without_a_table_there_is_no_file():
    assert files_by_day(None, [DAY]) == {}
    assert rows_with(None, [DAY], "trace_id", ["t1"], pa.schema([("trace_id", pa.string())])).num_rows == 0
