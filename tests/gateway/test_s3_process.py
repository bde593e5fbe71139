"""A real gateway whose loop reads its logs on S3, behind a proxy that makes it slow or cuts it off."""

import time
from uuid import uuid4

import pytest

from tests.gateway.fickle_proxy import FickleProxy
from tests.gateway.gateway_worlds import make_world, running
from tests.gateway.test_gateway_process import Clients
from tests.include.stages.logs.s3_server import BUCKET

pytestmark = pytest.mark.integration


@pytest.fixture
def proxy(s3_options):
    host, port = s3_options["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    proxy = FickleProxy((host, int(port)))
    yield proxy
    proxy.close()


@pytest.fixture
def world(tmp_path, registry, proxy, s3_options, monkeypatch):
    for name, value in (s3_options | {"AWS_ENDPOINT_URL": proxy.url}).items():
        monkeypatch.setenv(name, value)
    place = f"s3://{BUCKET}/{uuid4().hex}"
    return make_world(tmp_path, registry, logs={"uri": f"{place}/logs"}, feedback={"uri": f"{place}/feedback"})


def assert_pulled_once(world, answers):
    stored = [row["trace_id"] for row in world.pulled()]
    assert len(stored) == len(set(stored))
    assert {answer["trace_id"] for answer in answers} <= set(stored)
    assert world.store.read("quarantine").num_rows == 0


def test_answers_and_feedback_are_pulled_from_s3_once(world):
    with running(world) as gateway:
        answers = [gateway.predict(f"oil {number}").json() for number in range(3)]
        signal = {"trace_id": answers[0]["trace_id"], "kind": "explicit", "signal": "report"}
        assert gateway.client.post("/v1/feedback", json=signal).status_code == 200
        assert gateway.stop() == 0
    assert_pulled_once(world, answers)
    assert len(world.pulled()) == 3
    assert [row["signal"] for row in world.pulled_feedback()] == ["report"]


@pytest.mark.parametrize("trouble", ["down", "slow"])
def test_answers_keep_coming_while_s3_is_in_trouble_and_nothing_is_lost_by_kills(world, proxy, trouble):
    answers = []
    for turn in range(2):
        with running(world, segment_seconds=0.2) as gateway, Clients(gateway, 3) as clients:
            clients.wait_for(20)
            if turn == 0 and trouble == "down":
                proxy.cut()
            if turn == 0 and trouble == "slow":
                proxy.delay = 1.5
            clients.wait_for(len(clients.answers) + 40)
            if turn == 0:
                wait_for_backlog(gateway)
            clients.wait_for(len(clients.answers) + 20)
            assert clients.statuses.keys() == {200}
            gateway.kill()
        answers += clients.answers
        proxy.is_down, proxy.delay = False, 0.0
    with running(world) as gateway:
        assert gateway.stop() == 0
    assert list((world.folder / "state").rglob("*.jsonl")) == []
    assert_pulled_once(world, answers)


def wait_for_backlog(gateway):
    """Wait until the gateway says that files wait, which keeps nobody from being answered."""
    deadline = time.monotonic() + 60
    while True:
        lines = gateway.client.get("/metrics").text.splitlines()
        backlog = next(line for line in lines if line.startswith("feedback_loop_gateway_upload_backlog_bytes{"))
        if float(backlog.split()[-1]) > 0:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ready = gateway.client.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_backlog_is_told_in_words(world, proxy):
    with running(world, segment_seconds=0.1) as gateway:
        proxy.cut()
        gateway.predict("oil")
        deadline = time.monotonic() + 60
        while not (notes := gateway.client.get("/health").json()["notes"]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        proxy.is_down = False
        assert (notes[0].startswith("tiny: 1 files of predictions"), BUCKET in notes[0]) == (True, False)
        while gateway.client.get("/ready").json()["notes"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
