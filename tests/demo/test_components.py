"""What ends is started again and told; stopping stops everything; logs are kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from demo.__main__ import show_status
from demo.components import DEATHS, Component
from demo.embedded_postgres import EmbeddedPostgres
from demo.process_sessions import command_line, members
from demo.standalone import Standalone
from include.foundation.errors import FeedbackLoopError
from tests.conftest import ROOT

SLEEPER = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('up', flush=True); child.wait()"
)
KEEPER = f"""
import sys
from demo import components
components.COMPONENTS = {{"sleeper": [sys.executable, "-c", {SLEEPER!r}]}}
components.Keeper._make_tables = lambda self: None
sys.exit(components.main(sys.argv[1:]))
"""


class KeptProcesses:
    """A keeper whose only component besides Postgres sleeps."""

    def __init__(self, home):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, "--home", str(home), "--port", str(self.port)], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        )  # fmt: skip

    def wait(self, look):
        deadline = time.monotonic() + 60
        while not (result := look()):
            assert self.process.poll() is None
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return result

    def log(self):
        path = self.home / "standalone.log"
        return path.read_text() if path.is_file() else ""

    def sleepers(self):
        return [
            pid for pid in members(self.process.pid) if pid != self.process.pid and SLEEPER[:40] in command_line(pid)
        ]


@pytest.fixture
def kept(tmp_path):
    kept = KeptProcesses(tmp_path)
    kept.wait(lambda: "sleeper        | up" in kept.log())
    yield kept
    for pid in members(kept.process.pid):
        os.kill(pid, signal.SIGKILL)
    kept.process.wait(10)


def test_component_that_is_killed_is_started_again_with_all_it_started_and_told(kept):
    (killed,) = kept.sleepers()
    before = members(kept.process.pid)
    os.kill(killed, signal.SIGKILL)
    (again,) = kept.wait(lambda: [pid for pid in kept.sleepers() if pid != killed])
    kept.wait(lambda: len(members(kept.process.pid)) == len(before))  # the child of the killed one is gone
    deaths = [json.loads(line) for line in (kept.home / DEATHS).read_text().splitlines()]
    assert [(death["component"], death["status"]) for death in deaths] == [("sleeper", -9)]
    assert "sleeper        | ENDED with status -9" in kept.log()
    assert again != killed


def test_database_that_is_killed_is_started_again(kept):
    postgres = EmbeddedPostgres(kept.home, kept.port)
    os.kill(int((postgres.folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    kept.wait(lambda: (kept.home / DEATHS).is_file() and postgres.answers())


def test_stopping_ends_everything_cleanly_and_keeps_the_log(kept):
    session = kept.process.pid
    kept.process.send_signal(signal.SIGTERM)
    assert kept.process.wait(60) == 0
    assert members(session) == []
    assert not (kept.home / "postgres" / "postmaster.pid").exists()
    again = KeptProcesses(kept.home)
    again.wait(lambda: again.log().count("sleeper        | up") == 2)
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(60) == 0
    assert again.log().count("Starting at") == 2
    assert (kept.home / "standalone.log").stat().st_mode & 0o077 == 0


def test_pauses_grow_with_the_deaths_and_are_bounded():
    component = Component("any", ["true"])
    pauses = []
    for _ in range(8):
        component.deaths.append(time.monotonic())
        pauses.append(component.pause())
    assert pauses == [0, 1, 3, 7, 15, 30, 30, 30]


def alive(tmp_path, monkeypatch, health):
    monkeypatch.setattr(Standalone, "running", lambda self: 1)
    monkeypatch.setattr(Standalone, "health", health)
    return Standalone(home=tmp_path)


def test_status_says_which_part_is_not_healthy_and_what_ended(tmp_path, monkeypatch, capsys):
    parts = {"scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-01-01T00:00:00+00:00"}}
    deaths = [{"component": "scheduler", "status": -9, "at": f"2026-01-01T00:0{minute}:00+00:00"} for minute in (1, 2)]
    (tmp_path / DEATHS).write_text("".join(json.dumps(death) + "\n" for death in deaths))
    assert show_status(alive(tmp_path, monkeypatch, lambda self: parts)) == 1
    printed = capsys.readouterr().out
    assert "scheduler      unhealthy" in printed
    assert (
        "scheduler ended 2 time(s) and was started again, last at 2026-01-01T00:02:00+00:00 with status -9" in printed
    )
    assert "make down" in printed


def test_status_of_an_api_server_that_does_not_answer_is_not_good(tmp_path, monkeypatch, capsys):
    def health(self):
        raise FeedbackLoopError("The API server does not answer")

    assert show_status(alive(tmp_path, monkeypatch, health)) == 1
    assert "does not answer" in capsys.readouterr().out


def test_status_is_good_if_every_part_is(tmp_path, monkeypatch, capsys):
    assert show_status(alive(tmp_path, monkeypatch, lambda self: {"scheduler": {"status": "healthy"}})) == 0
    assert "make down" not in capsys.readouterr().out
