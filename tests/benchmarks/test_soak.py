"""A cycle of the soak plays every task that a loop has, each in a process of its own, and its figures are the right ones."""

import os
from datetime import timedelta

import pytest

from benchmarks import soak
from benchmarks.measuring import ChildFailedError
from benchmarks.workloads.forked import Used, in_a_fork
from include.foundation.errors import NothingToDo


def skipped():
    raise NothingToDo("nothing")


def busy():
    return sum(range(5 * 10**6))


def test_task_runs_in_another_process_and_its_result_comes_back():
    assert in_a_fork(os.getpid).result != os.getpid()
    assert in_a_fork(skipped).result is None
    assert in_a_fork(busy).cpu_seconds > in_a_fork(skipped).cpu_seconds


def test_task_that_fails_is_no_figure():
    with pytest.raises(ChildFailedError, match="A task failed"):
        in_a_fork(lambda: 1 / 0)


def test_lines_are_means_around_a_cycle_and_compared_ones_are_played_in_turns_without_training(monkeypatch):
    played = []

    def play(living, number, *, sampled=False):
        played.append((living.folder.name, number, sampled))
        return {"pull_logs": Used(1.0 + (number > 20), 100.0 + number), "retrain": Used(5.0 * (number % 2), 50.0)}

    monkeypatch.setattr(soak, "play", play)
    lines = list(soak.soak("daily", 3, timedelta(days=1), [30, 40], 15))
    assert [line.get("cycle") for line in lines] == [10, 15, 30, None, 40, None]
    assert [line["ours"] for line in lines] == [1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert lines[0]["tasks"] == {"pull_logs": 1.0, "retrain": 3.0}
    assert [line["ratio_to_limit"] for line in (lines[3], lines[5])] == [2.0, 2.0]
    assert [line["peak_rss_mb"] for line in (lines[3], lines[5])] == [129, 139]
    first = [(name, number) for name, number, _ in played if name != "young-40" and number < 30]
    assert first[-10:-6] == [("young-30", 7), ("old", 25), ("young-30", 8), ("old", 26)]
    assert [number for name, number, _ in played if name == "old"] == [*range(40)]
    assert [number for name, number, sampled in played if name == "old" and sampled and 2 < number < 20] == [
        *range(7, 17)
    ]


def test_what_runs_once_a_day_counts_with_its_share_of_an_hour(monkeypatch):
    def play(living, number, *, sampled=False):
        return {"pull_logs": Used(1.0, 50.0), "check_store": Used(2.4, 50.0)}

    monkeypatch.setattr(soak, "play", play)
    *_, last = soak.soak("hourly", 3, timedelta(hours=1), [5], 15)
    assert last["ours"] == 1.1
    assert last["tasks"]["check_store"] == [0.1, 0.1]
