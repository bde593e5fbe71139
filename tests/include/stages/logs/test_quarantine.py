"""Refused lines become rows a bounded number at a time, and go to quarantine in few commits."""

import pytest

from include.foundation.lines.line_files import Line
from include.foundation.lines.values import Problem
from include.foundation.store.rows import rows_of
from include.stages.logs import quarantine
from tests.builders import make_store
from tests.include.stages.logs.log_builders import make_pull


def lines(count, characters=10):
    for number in range(1, count + 1):
        yield "day.jsonl", Line(number, None, [Problem("no_json", "no JSON")], f"{number}" + "x" * characters)


def sizes_of_commits(store):
    """Return how many rows each commit has added, the first one first."""
    counts = [store.read("quarantine", version=version).num_rows for version in range(store.version("quarantine") + 1)]
    return [after - before for before, after in zip([0, *counts], counts, strict=False)]


@pytest.mark.parametrize(("characters", "tables"), [(10, [3, 3, 1]), (600, [2, 2, 2, 1])])
def test_lines_become_rows_a_few_at_a_time_and_fewer_of_long_ones(tmp_path, monkeypatch, characters, tables):
    monkeypatch.setattr(quarantine, "ROWS", 3)
    monkeypatch.setattr(quarantine, "CHARACTERS", 1000)
    sizes: list[int] = []
    monkeypatch.setattr(
        quarantine, "rows_of", lambda loop, name, rows: sizes.append(len(rows)) or rows_of(loop, name, rows)
    )
    store = make_store(tmp_path)
    assert quarantine.refuse(make_pull(store), lines(7, characters)) == 7
    assert sizes == tables
    assert sizes_of_commits(store) == [7]


def test_commits_are_of_bounded_size_and_their_rows_are_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(quarantine, "ROWS", 2)
    monkeypatch.setattr(quarantine, "COMMIT_BYTES", 3000)
    store, noted = make_store(tmp_path), []
    quarantine.refuse(make_pull(store), lines(9, 1000), lambda rows: noted.append(rows.num_rows))
    assert noted == sizes_of_commits(store) == [4, 4, 1]
    quarantine.refuse(make_pull(store), lines(9, 1000))
    assert store.read("quarantine").num_rows == 9  # once, however often
