"""A real gateway whose loop file changes: within seconds, without a restart, and without dropping a request."""

import time

import pytest
import yaml

from include.foundation.config.loading import load_loop
from include.foundation.store.tables import LoopStore
from tests.gateway.gateway_worlds import running
from tests.gateway.test_gateway_process import Clients, assert_pulled_once

pytestmark = pytest.mark.integration


class LoopFile:
    """The loop file of a world."""

    def __init__(self, world):
        self.path = world.folder / "loops" / "tiny.yaml"
        self._world, self._first = world, yaml.safe_load(self.path.read_text())

    def write(self, **sections):
        """Write the first file with other sections, and have the world pull by it."""
        self.write_text(yaml.safe_dump(self._first | sections))
        self._world.store = LoopStore(load_loop(self.path), str(self._world.folder / "store"))

    def write_text(self, text):
        partial = self.path.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(self.path)


@pytest.fixture
def loop_file(world):
    return LoopFile(world)


def wait_until(is_true, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def renamed(loop_file):
    """Return the task with the class crude called oil."""
    task = yaml.safe_load(loop_file.path.read_text())["task"]
    classes = ["oil" if name == "crude" else name for name in task["classes"]]
    return task | {"classes": classes, "renamed": {"crude": "oil"}}


def test_changed_file_is_followed_under_load_without_a_refusal(world, loop_file):
    with running(world) as gateway, Clients(gateway, 6) as clients:
        clients.wait_for(20)
        loop_file.write(task=renamed(loop_file), logs={"uri": str(world.folder / "elsewhere")})
        wait_until(lambda: "oil" in gateway.client.get("/v1/models").json()["models"][0]["classes"])
        changed_at = len(clients.answers)
        clients.wait_for(changed_at + 40)
        described = gateway.client.get("/openapi.json").status_code
        notes = gateway.client.get("/health").json()["notes"]
    assert (clients.statuses.keys(), clients.lost, described, notes) == ({200}, 0, 200, [])
    assert {"crude", "oil"} <= {answer["prediction"] for answer in clients.answers}
    before = world.logged()
    after = world.logged("elsewhere")
    assert sorted(line["trace_id"] for line in before + after) == sorted(each["trace_id"] for each in clients.answers)
    assert {line["prediction"] for line in before} & {"crude", "oil"} == {"crude"}
    assert {line["prediction"] for line in after} & {"crude", "oil"} == {"oil"}


@pytest.mark.parametrize(
    "broken",
    [
        {"text": "name: tiny\nname: tiny\n"}, {"text": "["}, {"text": ""}, {"sections": {"unknown": 1}},
        {"sections": {"logs": {"uri": "logs", "format": "csv"}}}, {"gone": True},
    ],
    ids=str,
)  # fmt: skip
def test_broken_file_keeps_the_loop_as_it_was_and_says_so_until_it_is_mended(world, loop_file, broken):
    first = loop_file.path.read_text()
    with running(world) as gateway:
        before = gateway.predict("oil rig").json()
        if "text" in broken:
            loop_file.write_text(broken["text"])
        elif "gone" in broken:
            loop_file.path.unlink()
        else:
            loop_file.write_text(yaml.safe_dump(yaml.safe_load(first) | broken["sections"]))
        wait_until(lambda: gateway.client.get("/health").json()["notes"])
        ready = gateway.client.get("/ready")
        during = gateway.predict("oil rig").json()
        loop_file.write_text(first)
        wait_until(lambda: not gateway.client.get("/health").json()["notes"])
        after = gateway.predict("oil rig").json()
    assert (ready.status_code, ready.json()["notes"][0].startswith("tiny: its loop file")) == (200, True)
    assert before["probabilities"] == during["probabilities"] == after["probabilities"]
    assert '"level": "error"' in (world.folder / "gateway.log").read_text()
    assert_pulled_once(world, [before, during, after])


def test_file_that_the_model_does_not_fit_waits_for_one_that_does(world, loop_file):
    task = yaml.safe_load(loop_file.path.read_text())["task"]
    with running(world) as gateway:
        loop_file.write(task=task | {"classes": ["entirely", "other"]})
        wait_until(lambda: gateway.client.get("/ready").json()["notes"])
        answer = gateway.predict("oil rig")
    assert (answer.status_code, answer.json()["prediction"] in task["classes"]) == (200, True)
    assert "undeclared" in (events := (world.folder / "gateway.log").read_text()) or "declare" in events


def test_gateway_that_starts_says_that_it_loads(world):
    told = set()
    with running(world, ready=False, by_command=True) as gateway:
        gateway.wait_until_listening()
        while (ready := gateway.client.get("/ready")).status_code != 200:
            told |= set(ready.json()["problems"])
            asked = gateway.predict("oil")
            assert asked.status_code == 200 or "loading" in asked.json()["detail"], asked.text
        assert gateway.predict("oil").status_code == 200
    assert told <= {"tiny: loading: asking what is live", "tiny: loading version 1"}
