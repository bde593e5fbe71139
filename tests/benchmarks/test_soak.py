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


def test_lines_are_means_around_a_cycle_and_the_last_compares_in_turns_without_training(monkeypatch):
    played = []

    def play(living, number):
        played.append((living.folder.name, number))
        return {"pull_logs": Used(1.0 + (number > 20), 100.0 + number), "retrain": Used(5.0 * (number % 2), 50.0)}

    monkeypatch.setattr(soak, "play", play)
    lines = list(soak.soak("daily", 3, timedelta(days=1), 30, 15))
    assert [line.get("cycle") for line in lines] == [10, 15, 30, None]
    assert [line["ours"] for line in lines] == [1.0, 1.0, 2.0, 2.0]
    assert lines[0]["tasks"] == {"pull_logs": 1.0, "retrain": 3.0}
    assert lines[-1]["ratio_to_limit"] == 2.0
    assert lines[-1]["peak_rss_mb"] == 129
    assert played[-10:-6] == [("young", 7), ("old", 25), ("young", 8), ("old", 26)]
    assert played[-1] == ("old", 29)
    assert len({number for name, number in played if name == "young"}) == 12
