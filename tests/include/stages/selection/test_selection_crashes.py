import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake

from include.foundation.decisions import SelectedBatch, broken_links, find
from include.foundation.intervals import Interval
from include.foundation.store import tables
from include.foundation.store.tables import LoopStore
from include.stages.selection.selecting import SelectionReport, select_samples
from tests.forks import Forked
from tests.include.stages.selection.selection_builders import (
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_row,
    prediction_rows,
    requests_of,
)


def select_and_die(store: Path, commits: int) -> None:
    commit, left = vars(tables)["write_deltalake"], [commits]

    def write(*arguments: Any, **named: Any) -> Any:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return commit(*arguments, **named)

    vars(tables)["write_deltalake"] = write
    select_samples(LoopStore(make_selection_loop(), str(store)), day_interval())


def killed_selection(folder: Path, commits: int) -> int:
    """Select in a process that is killed when it is about to make the commit after ``commits``."""
    return Forked(select_and_die, folder / "store", commits).wait(120)


def test_selection_killed_before_its_commit_leaves_nothing(tmp_path):
    store = make_selection_store(tmp_path, prediction_rows(30))
    assert killed_selection(tmp_path, commits=0) == -9
    assert (requests_of(store), find(store, SelectedBatch)) == ([], [])
    assert store.read("draws").num_rows == 0


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_selection_after_a_kill_ends_as_if_it_had_not_been_killed(tmp_path, commits):
    rows = [*prediction_rows(30), prediction_row(99, input_text=prediction_row(5)["input_text"])]
    whole, killed = (make_selection_store(tmp_path / name, rows) for name in ("whole", "killed"))
    expected = select_samples(whole, day_interval())
    assert killed_selection(tmp_path / "killed", commits) == -9
    assert [killed.read("draws").num_rows, len(requests_of(killed))] == [4 * (commits > 0), 10 * (commits > 1)]
    assert select_samples(killed, day_interval()) == expected
    assert requests_of(killed) == requests_of(whole)
    assert killed.read("draws").equals(whole.read("draws"))
    assert find(killed, SelectedBatch) == find(whole, SelectedBatch)


def select_at_once(monkeypatch: pytest.MonkeyPatch, store: LoopStore, *intervals: Interval) -> list[SelectionReport]:
    """Select several intervals in threads none of which commits before all have chosen."""
    barrier, waited, commit = threading.Barrier(len(intervals)), threading.local(), write_deltalake

    def write(*args: Any, **kwargs: Any) -> None:
        if not hasattr(waited, "once"):
            waited.once = barrier.wait(timeout=60)
        commit(*args, **kwargs)

    monkeypatch.setattr(tables, "write_deltalake", write)
    reports: dict[int, SelectionReport] = {}

    def select(place: int) -> None:
        own = LoopStore(store.loop, str(Path(store.uri).parent))
        reports[place] = select_samples(own, intervals[place])

    threads = [threading.Thread(target=select, args=(place,)) for place in range(len(intervals))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return [reports[place] for place in range(len(intervals))]


def test_selections_of_two_intervals_at_once_ask_for_a_content_once_to_train_on_and_once_to_judge(
    tmp_path, monkeypatch
):
    texts = ["oil rig", "wheat crop", "net income", "cargo port", "rate cut", "steel mill", "gold mine", "bank merger"]
    rows = [prediction_row(number, day=day, input_text=text) for day in range(2) for number, text in enumerate(texts)]
    store = make_selection_store(tmp_path, rows, loop=make_selection_loop(selection={"budget": 4}))
    reports = select_at_once(monkeypatch, store, day_interval(0), day_interval(1))
    keys = [(row["content_key"], row["stratum"]) for row in requests_of(store)]
    assert len(keys) == len(set(keys)) == sum(report.requests for report in reports) == 8


def test_selections_of_one_interval_at_once_decide_once(tmp_path, monkeypatch):
    store = make_selection_store(tmp_path, prediction_rows(30))
    first, second = select_at_once(monkeypatch, store, day_interval(), day_interval())
    assert first == second
    assert first.requests == len(requests_of(store)) == 10
    assert len(find(store, SelectedBatch)) == 1
    assert broken_links(store) == []
