"""Temporary folders of killed processes are deleted; those that someone holds, and those of others, stay."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from include.foundation.store.objects import scratch_folders
from include.foundation.store.objects.scratch_folders import scratch_folder
from tests.conftest import ROOT

HOLD = """
import sys
from include.foundation.store.objects.scratch_folders import scratch_folder
with scratch_folder() as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "lines.jsonl").write_text("{}")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch_folders._delete_abandoned.cache_clear()
    yield tmp_path / f"feedback-loop-scratch-{os.getuid()}"
    scratch_folders._delete_abandoned.cache_clear()


def holder(place):
    """Start a process that holds a folder; return both."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_folder_is_there_within_the_block_only_also_when_it_fails(place):
    def fail():
        with scratch_folder() as folder:
            (folder / "file").write_text("x")
            assert list(place.iterdir()) == [folder]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(place.iterdir()) == []


def test_folder_of_a_killed_process_is_deleted_and_that_of_a_running_one_is_not(place):
    killed, abandoned = holder(place)
    running, held = holder(place)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert abandoned.exists()
    with scratch_folder() as own:
        assert sorted(place.iterdir()) == sorted([held, own])
        assert (held / "inner" / "lines.jsonl").exists()
    running.communicate("")
    assert running.returncode == 0
    assert list(place.iterdir()) == []


def test_what_is_not_a_scratch_folder_stays(place):
    with scratch_folder():
        pass
    others = [place.parent / "feedback-loop-clone", place / "other"]
    for other in others:
        other.mkdir()
    (place / "work-file").write_text("x")
    (place / "work-link").symlink_to(others[0])
    scratch_folders._delete_abandoned.cache_clear()
    with scratch_folder():
        pass
    assert {path.name for path in place.iterdir()} == {"other", "work-file", "work-link"}
    assert others[0].is_dir()


def test_place_that_others_can_write_to_is_not_used(place):
    place.mkdir()
    place.chmod(0o777)
    with scratch_folder() as folder:
        assert folder.parent != place
        assert folder.parent.stat().st_mode & 0o077 == 0
