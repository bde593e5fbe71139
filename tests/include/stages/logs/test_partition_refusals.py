"""What a file had refused counts until the file says something else."""

import os
from datetime import timedelta

import pytest

from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import plan_pull, pull_logs, pull_partition, report
from include.stages.logs.slices import unread_slices
from include.stages.logs.slices.file_slices import cut_up
from tests.builders import DAY, KEY, day, line, make_store, write_lines
from tests.include.stages.logs.log_builders import make_pull


def written(folder, lines, minutes, name="log.jsonl"):
    os.utime(write_lines(folder, lines, name), ((DAY + timedelta(days=1, minutes=minutes)).timestamp(),) * 2)


def counted(store, number=0):
    """Return the lines whose refusals count in a day."""
    rows = store.read("quarantine", filters=[("interval_start", "=", day(number).start)])
    return sorted(rows.column("line").to_pylist())


def test_refusals_of_contents_that_were_mended_count_no_more_and_are_kept(tmp_path):
    store = make_store(tmp_path)
    written(tmp_path, [*(line(n) for n in range(20)), "broken", "torn", "bad"], 0)
    assert pull_logs(store, day(), KEY).refused == 3
    written(tmp_path, [*(line(n) for n in range(20)), "broken", line(21), line(22)], 1)
    assert pull_logs(store, day(), KEY).refused == 1
    assert counted(store) == [21]
    assert store.read("quarantine").num_rows == 3
    assert validate_logs(store, day()).refused == 1
    assert report(store, day()).refused == 1


def test_refusal_that_comes_back_counts_again(tmp_path):
    store = make_store(tmp_path)
    for minutes, last in enumerate(["broken", line(2), "broken"]):
        written(tmp_path, [line(1), last], minutes)
        pull_logs(store, day(), KEY)
        assert counted(store) == ([] if last == line(2) else [2])


def test_file_that_is_mended_in_a_later_interval_takes_its_refusals_along(tmp_path):
    store = make_store(tmp_path)
    written(tmp_path, [line(1), "broken", "torn"], 0)
    pull_logs(store, day(), KEY)
    written(tmp_path, [line(1), "broken", line(2)], 90)
    pull_logs(store, day(1), KEY)
    assert (counted(store), counted(store, 1)) == ([2], [])


def test_lines_appended_leave_the_refusals_before_them(tmp_path):
    store = make_store(tmp_path)
    written(tmp_path, [line(1), "broken"], 0)
    pull_logs(store, day(), KEY)
    written(tmp_path, [line(1), "broken", "torn"], 1)
    assert pull_logs(store, day(), KEY).refused == 2


@pytest.mark.parametrize("left", [1, 3, 9])
def test_refusals_of_every_slice_of_a_file_are_settled_also_where_it_shrank(tmp_path, monkeypatch, left):
    monkeypatch.setattr(unread_slices, "cut_up", lambda file, gaps, _: cut_up(file, gaps, 40))
    store = make_store(tmp_path)
    written(tmp_path, ["broken " * 5 + str(n) for n in range(9)], 0)
    assert pull_logs(store, day(), KEY).refused == 9
    written(tmp_path, ["mended " * 5 + str(n) for n in range(left)], 1)
    pull = make_pull(store)
    for slices in plan_pull(pull).partitions:
        pull_partition(pull, slices)
    assert report(store, day()).refused == left


def test_stored_row_that_gave_way_stays_refused_when_its_file_is_read_anew(tmp_path):
    store = make_store(tmp_path)
    written(tmp_path, [line(1, when=DAY + timedelta(hours=9)), "broken"], 0)
    pull_logs(store, day(), KEY)
    written(tmp_path, [line(1)], 1, "earlier.jsonl")
    assert pull_logs(store, day(), KEY).refused == 2
    written(tmp_path, [line(1, when=DAY + timedelta(hours=9)), line(5)], 2)
    assert pull_logs(store, day(), KEY).refused == 1
    (row,) = store.read("quarantine", filters=[("reason_code", "=", "repeated_trace_id")]).to_pylist()
    assert row["interval_start"] == day().start
