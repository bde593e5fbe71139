"""A pull that is killed after anything it leaves on the disk, and run again, ends as one that was not killed."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from include.stages.logs import pulling
from include.stages.logs.pulling import plan_pull, pull_partition, report
from include.stages.logs.slices.file_slices import partitions
from tests.builders import DAY, day, line, make_store, write_lines
from tests.conftest import ROOT
from tests.include.stages.logs.dying_pulls import SCENARIOS
from tests.include.stages.logs.log_builders import make_pull

FEWEST = {
    "fresh": 12,
    "grown": 20,
    "widened": 8,
    "feedback": 6,
    "database": 10,
}  # states of the disk that were gone on from
REPORTS = {  # of the lines that `dying_pulls` writes
    "fresh": {"rows": 6, "late": 0, "refused": 2, "duplicates": 3, "files": 2, "early": 3},
    "grown": {"rows": 8, "late": 0, "refused": 6, "duplicates": 4, "files": 3, "early": 4},
    "widened": {"rows": 2, "late": 0, "refused": 0, "duplicates": 0, "files": 1, "early": 0},
    "feedback": {
        "rows": 7,
        "refused": 3,
        "without_consent": 1,
        "duplicates": 3,
        "held_back": 3,
        "orphans": 7,
        "warnings": [],
    },
    "database": {"rows": 3, "late": 3, "refused": 1, "duplicates": 0, "files": 2, "early": 0},
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_pull_killed_after_any_side_effect_and_run_again_ends_as_if_it_never_was(tmp_path, scenario):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.include.stages.logs.dying_pulls", str(tmp_path), scenario],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    calm = told["calm"]
    assert len(calm.pop("steps")) >= FEWEST[scenario]
    assert calm["report"] == REPORTS[scenario]
    assert {case["step"]: case["died"] for case in told["cases"] if case["died"] != -signal.SIGKILL} == {}
    assert {case["step"]: case["then"] for case in told["cases"] if case["then"] != calm} == {}
    assert list(scratch.glob("*/work-*")) == []  # what a kill leaves there, the next pull deletes


def test_partition_that_is_read_once_more_after_a_later_one_changes_nothing(tmp_path, monkeypatch):
    """A row gave way to an earlier one of another partition; then the task of its own partition is cleared."""
    monkeypatch.setattr(pulling, "partitions", lambda parts, _: partitions(parts, 1))
    store = make_store(tmp_path)
    write_lines(tmp_path, [line(1, when=DAY + timedelta(hours=9))], "a.jsonl")
    write_lines(tmp_path, [line(1)], "b.jsonl")
    pull = make_pull(store)
    first, second = plan_pull(pull).partitions
    found = []
    for part in (first, second, first):
        pull_partition(pull, part)
        found.append(report(store, day()))
    assert found[1].refused == 1
    assert found[2] == found[1]
