"""A real gateway process: whatever it acknowledges is in the log, and after a real pull there exactly once."""

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import httpx
import pytest

from gateway.api_keys import add_key
from tests.conftest import ROOT
from tests.gateway.gateway_worlds import running
from tests.include.stages.training.challenger_builders import WORDS

pytestmark = pytest.mark.integration
WORDS_OF = [word for words in WORDS.values() for word in words.split()]
REFUSALS = {429, 503}


class Clients:
    """Threads that ask a gateway one question after the other until they are told to stop."""

    def __init__(self, gateway, count, rows=1):
        self.answers, self.statuses, self.seconds, self.lost = [], Counter(), [], 0
        self._gateway, self._rows, self._stopped = gateway, rows, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, answers):
        while len(self.answers) < answers:
            assert any(thread.is_alive() for thread in self._threads), self.statuses
            time.sleep(0.01)

    def _run(self, number):
        with httpx.Client(base_url=self._gateway.url, timeout=20) as client:
            while not self._stopped.is_set():
                text = f"{WORDS_OF[number % len(WORDS_OF)]} of client {number}"
                body = (
                    {"input": {"text": text}}
                    if self._rows == 1
                    else {"instances": [{"input": {"text": text}}] * self._rows}
                )
                begin = time.monotonic()
                try:
                    answer = client.post("/v1/predict", json=body)
                except httpx.TransportError:
                    self.lost += 1
                    return
                self.seconds.append(time.monotonic() - begin)
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.answers += [answer.json()] if self._rows == 1 else answer.json()["predictions"]
                else:
                    assert "retry-after" in answer.headers or answer.status_code not in REFUSALS


def assert_pulled_once(world, answers):
    """Assert that every acknowledged prediction is stored as it was answered, and nothing twice or in quarantine."""
    stored = {row["trace_id"]: row for row in world.pulled()}
    assert {answer["trace_id"] for answer in answers} <= stored.keys()
    for answer in answers:
        row = stored[answer["trace_id"]]
        assert (row["model_version"], row["predicted"]) == (answer["model_version"], answer["prediction"])
        assert row["confidence"] == pytest.approx(max(answer["probabilities"].values()))
    lines = [line["trace_id"] for line in world.logged()]
    assert sorted(lines) == sorted(stored)
    assert world.store.read("quarantine").num_rows == 0


def test_what_is_answered_is_what_the_champion_says_and_is_pulled_with_all_that_was_given(world):
    with running(world, by_command=True) as gateway:
        beside: dict[str, Any] = {"context": {"page": [2, {"a": None}]}, "metadata": {"b": 1.5}, "impact": 2.5}
        beside |= {"source_id": 17, "segments": {"desk": "eu", "other": 3}, "user_id": "u7"}
        one = gateway.predict("oil\u2028 rig", **beside).json()
        rows = [{"input": {"text": f"{words} \0 \U0001f600"}} for words in WORDS.values()]
        many = gateway.client.post("/v1/predict", json={"instances": rows, "loop": "tiny"}).json()["predictions"]
        signal_line = {"trace_id": one["trace_id"], "kind": "explicit", "signal": "correction", "value": "ship"}
        signals = [
            signal_line
            | {"feedback_id": "f1", "comment": "of a@b.example", "source": "web", "consent": True, "user_id": 7},
            signal_line | {"feedback_id": "f2", "consent": False},
            signal_line | {"feedback_id": "f1"},
        ]
        taken = gateway.client.post("/v1/feedback", json={"signals": signals}).json()["signals"]
        alone = gateway.client.post("/v1/feedback", json=signal_line).json()
        assert gateway.stop() == 0
    assert [each["prediction"] for each in many] == list(WORDS)
    assert_pulled_once(world, [one, *many])
    row = next(row for row in world.store.read("predictions").to_pylist() if row["trace_id"] == one["trace_id"])
    assert (row["input_text"], row["segment_desk"], bool(row["user_key"])) == ("oil\u2028 rig", "eu", True)
    assert (row["context"], row["metadata"]) == ('{"page":[2,{"a":null}]}', '{"b":1.5}')
    assert (row["impact"], row["source_id"]) == (2.5, "17")
    assert [each["kept"] for each in taken] == [True, False, True]
    stored = {row["feedback_id"]: row for row in world.pulled_feedback()}
    assert stored.keys() == {"f1", alone["feedback_id"]}
    assert (stored["f1"]["value"], stored["f1"]["source"], "@" in stored["f1"]["comment"]) == ('"ship"', "web", False)


@pytest.mark.parametrize("sync", ["always", "interval", "none"])
def test_kill_loses_and_doubles_nothing_that_was_acknowledged(world, sync):
    answers = []
    for _ in range(2):
        with running(world, sync=sync) as gateway, Clients(gateway, 4) as clients:
            clients.wait_for(40)
            gateway.kill()
        answers += clients.answers
    with running(world):
        pass  # completes what the killed ones left
    assert len(answers) >= 80
    assert_pulled_once(world, answers)


def test_full_disk_is_503_and_nothing_is_acknowledged_until_there_is_room(world):
    with running(world) as gateway:
        before = [gateway.predict(f"oil {number}").json() for number in range(3)]
        hard = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        refused = [gateway.predict(f"wheat {number}") for number in range(3)]
        ready = gateway.client.get("/ready")
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        gateway.wait_until_ready()
        after = [gateway.predict(f"ship {number}").json() for number in range(3)]
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in refused] == [(503, True)] * 3
    assert (ready.status_code, ready.json()["problems"]) == (503, ["tiny: the log of predictions cannot be written"])
    assert_pulled_once(world, before + after)
    assert world.store.read("predictions").num_rows == 6


def test_champions_are_exchanged_under_load_without_a_refusal(world):
    with running(world) as gateway, Clients(gateway, 6) as clients:
        for turn, version in enumerate(("2", "1", "2"), start=1):
            clients.wait_for(len(clients.answers) + 20)
            world.deploy(version)
            while gateway.client.get("/v1/models").json()["models"][0]["version"] != version:
                time.sleep(0.05)
            assert len(clients.statuses) == 1, (turn, clients.statuses)
        clients.wait_for(len(clients.answers) + 20)
    assert clients.statuses.keys() == {200}
    assert {answer["model_version"] for answer in clients.answers} == {"1", "2"}
    assert clients.lost == 0
    assert_pulled_once(world, clients.answers)


def test_restart_needs_no_mlflow_and_a_changed_copy_is_not_served(world):
    nowhere: dict[str, Any] = {"mlflow": "http://127.0.0.1:9"}
    with running(world) as gateway:
        first = gateway.predict("oil").json()
    with running(world, **nowhere) as gateway:
        second = gateway.predict("oil").json()
    assert first["probabilities"] == second["probabilities"]
    (model,) = (world.folder / "state").rglob("model.skops")
    model.write_bytes(model.read_bytes() + b"changed")
    with running(world, ready=False, **nowhere) as gateway:
        while True:
            try:
                ready = gateway.client.get("/ready")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        answer = gateway.predict("oil")
    assert (ready.status_code, answer.status_code, "retry-after" in answer.headers) == (503, 503, True)
    with running(world) as gateway:  # with MLflow it is fetched anew
        assert gateway.predict("oil").json()["probabilities"] == first["probabilities"]


def test_ten_times_what_it_can_is_refused_and_what_is_answered_is_in_the_log(world):
    limits: dict[str, Any] = {"most_pending_rows": 400, "most_batch_rows": 32, "deadline_seconds": 2}
    rows = [{"input": {"text": f"{WORDS_OF[number % len(WORDS_OF)]} {number}"}} for number in range(100)]
    body = json.dumps({"instances": rows}).encode()
    with running(world, **limits) as gateway:
        asked = [gateway.port, "/v1/predict"]
        capacity = told_by("http_clients", [*asked, 3, 2.0], body)["requests_per_second"]
        told = told_by("open_loop", [*asked, 10 * capacity, 2.0], body)
    assert told["statuses"].keys() <= {"200", "429", "503"}
    assert told["statuses"].get("429", 0) + told["statuses"].get("503", 0) > 0
    assert told["unanswered"] == 0
    stored = [row["trace_id"] for row in world.pulled()]
    assert set(told["acknowledged"]) <= set(stored)
    assert len(stored) == len(set(stored)) == len(world.logged())


def told_by(workload, arguments, body):
    """Return what a workload of the benchmarks, in a process of its own, is told by the gateway."""
    command = [sys.executable, "-m", f"benchmarks.workloads.{workload}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=body, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_told_to_stop_it_answers_what_it_has_and_completes_its_logs(world):
    with running(world, by_command=True) as gateway, Clients(gateway, 4) as clients:
        clients.wait_for(20)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0
    assert clients.statuses.keys() <= {200, 503}
    assert list(world.logs.rglob(".*")) == []
    assert_pulled_once(world, clients.answers)


def test_keys_open_their_loop_and_are_rotated_without_a_restart(world):
    keys = world.folder / "keys.json"
    old = add_key(keys, "tiny", "old")
    other = add_key(keys, "other", "other")
    with running(world, keys=keys) as gateway:

        def status(key, path="/v1/models"):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return gateway.client.get(path, headers=headers).status_code

        assert [status(key) for key in (None, "wrong", old, other)] == [401, 401, 200, 200]
        asked = gateway.client.post(
            "/v1/predict", json={"input": {"text": "oil"}}, headers={"authorization": f"Bearer {other}"}
        )
        assert asked.status_code == 403
        assert [status(None, path) for path in ("/health", "/ready", "/metrics", "/openapi.json")] == [200] * 4
        new = add_key(keys, "tiny", "new")
        while status(new) != 200:
            time.sleep(0.05)
        assert status(old) == 200


def test_limits_and_methods_are_told_by_their_status(world):
    with running(world, most_body_kb=1) as gateway:
        post = gateway.client.post
        assert gateway.client.get("/v1/predict").status_code == 405
        assert post("/v1/other").status_code == 404
        assert post("/v1/predict", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
        assert gateway.predict("x" * 2000).status_code == 413
        assert post("/v1/predict", content=iter([b"x" * 600] * 4)).status_code == 413
        assert gateway.predict("x" * 2000, loop="tiny").headers["content-type"] == "application/problem+json"
        assert gateway.predict("x", loop="none").status_code == 403
        assert (
            "access-control-allow-origin" not in gateway.client.get("/health", headers={"origin": "http://a"}).headers
        )
        metrics = gateway.client.get("/metrics").text
    assert 'requests_total{loop="",path="/v1/predict",status="413"} 3.0' in metrics
    assert "x" * 20 not in (world.folder / "gateway.log").read_text()
