"""Of what is in the store, a pull reads whole only the rows whose trace id it brings, and looks at each file once."""

import json
from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from include.foundation.store.bulk import file_rows
from include.stages.logs.landing import earlier_rows, landing, repeats
from include.stages.logs.pulling import pull_logs
from tests.builders import DAY, KEY, day, line, make_store, write_lines


def of_day(number, traces, **changes):
    return [line(trace, when=DAY + timedelta(days=number, minutes=trace), **changes) for trace in traces]


@pytest.fixture
def reads(monkeypatch):
    """Of each look-up, the number of files whose trace ids were read; and what was read whole."""
    looked, picked = [], []
    stream, pick = earlier_rows.column_with_places, earlier_rows.picked_rows  # type: ignore[attr-defined]

    def streaming(dataset, paths, column):
        looked.append(len(paths))
        return stream(dataset, paths, column)

    def picking(dataset, path, rows, columns):
        picked.append((path.split("/")[0], rows.tolist()))
        return pick(dataset, path, rows, columns)

    monkeypatch.setattr(earlier_rows, "column_with_places", streaming)
    monkeypatch.setattr(earlier_rows, "picked_rows", picking)
    return looked, picked


def test_new_trace_ids_have_no_row_read_whole(tmp_path, reads):
    store = make_store(tmp_path)
    for number in range(3):
        write_lines(tmp_path, of_day(number, range(10 * number, 10 * number + 10)), f"{number}.jsonl")
        pull_logs(store, day(number), KEY)
    assert reads == ([1, 2], [])


def test_only_rows_with_a_trace_id_that_comes_again_are_read_whole(tmp_path, reads):
    store = make_store(tmp_path)
    write_lines(tmp_path, of_day(0, range(10)), "0.jsonl")
    pull_logs(store, day(0), KEY)
    write_lines(tmp_path, of_day(1, [20, 21, 7, 3]), "1.jsonl")
    found = pull_logs(store, day(1), KEY)
    assert (found.rows, found.refused) == (2, 2)
    ((path, rows),) = reads[1]
    assert path == "day=2026-03-10"
    assert len(rows) == 2


def test_days_beyond_the_reach_are_not_looked_at(tmp_path, reads):
    store = make_store(tmp_path, logs={"repeat_days": 1, "look_back_hours": 24 * 20})
    for number in (0, 2, 3):
        write_lines(tmp_path, of_day(number, [7]), f"{number}.jsonl")
        pull_logs(store, day(number), KEY)
    assert reads[0] == [1]
    assert store.read("predictions").num_rows == 2


def test_after_another_writers_commit_only_its_file_is_looked_at(tmp_path, reads, monkeypatch):
    store, other = make_store(tmp_path), make_store(tmp_path, logs={"uri": str(tmp_path / "other")})
    for number in range(3):
        write_lines(tmp_path, of_day(number, [number]), f"{number}.jsonl")
        pull_logs(store, day(number), KEY)
    reads[0].clear()
    write_lines(tmp_path, of_day(3, [30, 31]), "3.jsonl")
    (tmp_path / "other").mkdir()
    written = write_lines(tmp_path, of_day(3, [31], prediction="grain"), "elsewhere.jsonl")
    written.rename(tmp_path / "other" / "elsewhere.jsonl")
    add_files, raced = landing.add_files, []  # type: ignore[attr-defined]

    def late(*arguments):
        if not raced:
            raced.append(True)
            pull_logs(other, day(3), KEY)
        return add_files(*arguments)

    monkeypatch.setattr(landing, "add_files", late)
    pull_logs(store, day(3), KEY)
    assert reads[0] == [3, 3, 1]
    assert store.read("predictions").num_rows == 5
    assert store.read("quarantine").column("trace_id").to_pylist() == ["t31"]


@pytest.mark.parametrize("rows", [[0], [4], [0, 3, 4], [2, 3, 5, 9], list(range(10))])
def test_picked_rows_are_those_rows_whatever_row_groups_and_batches_they_are_in(tmp_path, monkeypatch, rows):
    import numpy as np
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    monkeypatch.setattr(file_rows, "FEW", 2)
    table = pa.table({"n": range(10), "text": [f"story {number}" for number in range(10)]})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=3)
    dataset = ds.dataset(tmp_path)
    wanted = pa.schema([("text", pa.string()), ("later", pa.float64()), ("n", pa.int64())])
    found = pa.concat_tables(file_rows.picked_rows(dataset, str(tmp_path / "rows.parquet"), np.array(rows), wanted))
    assert found.column("n").to_pylist() == rows
    assert found.column("text").to_pylist() == [f"story {number}" for number in rows]
    assert found.column("later").null_count == len(rows)


def test_places_count_through_a_files_row_groups_and_begin_anew_in_the_next(tmp_path):
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    for name in ("a", "b"):
        table = pa.table({"trace_id": [f"{name}{number}" for number in range(5)]})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=2)
    dataset = ds.dataset(tmp_path)
    found = file_rows.column_with_places(dataset, sorted(dataset.files), "trace_id").read_all().to_pylist()
    assert [row["trace_id"] for row in found] == [f"{name}{number}" for name in "ab" for number in range(5)]
    assert [row["file"] for row in found] == [0] * 5 + [1] * 5
    assert [row["row"] for row in found] == [*range(5), *range(5)]


def test_stored_rows_give_way_at_once_however_many_they_are(tmp_path):
    """More than one condition in SQL can name: Delta's parser dies of it."""
    rows = 32_000
    store = make_store(tmp_path)
    for predicted in ("earn", "grain"):
        before, after = json.dumps(line(1, trace_id="#", prediction=predicted)).split("#")
        write_lines(tmp_path, [f"{before}{number:x}{after}" for number in range(rows)])
        pull_logs(store, day(), KEY)
    assert store.read("predictions", columns=["predicted"]).column("predicted").value_counts().to_pylist() == [
        {"values": "grain", "counts": rows}
    ]


def test_rows_that_give_way_and_what_they_give_way_to_are_one_commit(tmp_path):
    store = make_store(tmp_path)
    write_lines(tmp_path, of_day(0, range(4)))
    pull_logs(store, day(), KEY)
    version = store.version("predictions")
    write_lines(tmp_path, of_day(0, range(4), prediction="grain"))
    pull_logs(store, day(), KEY)
    assert store.version("predictions") == version + 1


def test_row_of_a_file_that_another_writer_rewrites_meanwhile_still_gives_way(tmp_path, monkeypatch):
    """The line that it gives way to is refused itself, and nothing else is staged, when the pull tries again."""
    store = make_store(tmp_path)
    write_lines(tmp_path, of_day(2, [7]) + of_day(4, [7, 30]), "0.jsonl")
    monkeypatch.setattr(repeats, "timedelta", lambda days: timedelta(days=1.5))
    pull_logs(store, day(4), KEY)
    assert store.read("predictions").num_rows == 3
    monkeypatch.undo()
    add_files, raced = landing.add_files, []  # type: ignore[attr-defined]

    def late(*arguments):
        if not raced:
            raced.append(True)
            DeltaTable(f"{store.uri}/predictions").delete("trace_id = 't30'")
        return add_files(*arguments)

    monkeypatch.setattr(landing, "add_files", late)
    write_lines(tmp_path, of_day(3, [7]), "1.jsonl")
    pull_logs(store, day(4), KEY)
    assert raced
    assert store.read("predictions").column("day").to_pylist() == ["2026-03-12"]
