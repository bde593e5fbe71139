"""A real gateway that takes what another server logged; what it acknowledges is stored exactly once after a real pull."""

import json
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest

from gateway.webhook_secrets import add_secret
from tests.conftest import ROOT
from tests.gateway.gateway_worlds import running
from tests.gateway.test_webhook_secrets import signed

pytestmark = pytest.mark.integration


def prediction(trace_id, **more):
    line = {"trace_id": trace_id, "ts": datetime.now(UTC).isoformat(), "model_version": "7", "input": {"text": "oil"}}
    return line | {"prediction": "crude", "probabilities": {"crude": 1.0}} | more


def send(gateway, secret, data, message_id, *, kind="prediction", loop="tiny", **more):
    body = json.dumps({"type": f"{kind}.created", "data": data}).encode()
    headers = signed(secret, body, message_id=message_id) | {"content-type": "application/json"}
    return gateway.client.post(f"/v1/webhook/{loop}", content=body, headers=headers, **more)


@pytest.fixture
def secrets(world):
    return world.folder / "webhooks.json"


def test_what_others_log_is_pulled_beside_what_the_gateway_answers(world, secrets):
    secret = add_secret(secrets, "tiny", "team")
    other = add_secret(secrets, "other", "team")
    with running(world, webhooks=secrets) as gateway:
        own = gateway.predict("oil").json()["trace_id"]
        several = [prediction("a", context={"page": 2}, user_id="u7"), prediction("b", prediction=None, error="none")]
        first = send(gateway, secret, several, "m1")
        again = send(gateway, secret, several, "m1")
        contradicting = send(gateway, secret, prediction("c"), "m1")
        wrong = send(gateway, secret, [prediction("d"), prediction("e", prediction="no class")], "m2")
        signal = {"feedback_id": "f1", "trace_id": "a", "ts": several[0]["ts"], "kind": "explicit", "signal": "report"}
        signals = [signal, signal | {"feedback_id": "f2", "consent": False}]
        taken = send(gateway, secret, signals, "m3", kind="feedback")
        unsigned = [
            send(gateway, other, prediction("x"), "m4"),
            send(gateway, secret, prediction("x"), "m5", loop="other"),
            send(gateway, secret, prediction("x"), "m5", loop="none"),
            gateway.client.post("/v1/webhook/tiny", json={}),
        ]
        not_served = send(gateway, other, prediction("x"), "m6", loop="other")
        described = gateway.client.get("/openapi.json").json()["paths"]["/v1/webhook/{loop}"]["post"]
        metrics = gateway.client.get("/metrics").text
    assert (first.json(), again.json()) == ({"lines": 2, "kept": 2}, {"lines": 2, "kept": 2})
    assert (contradicting.status_code, wrong.status_code) == (409, 422)
    assert [problem.split(":")[0] for problem in wrong.json()["problems"]] == ["line 1"]
    assert taken.json() == {"lines": 2, "kept": 1}
    assert [answer.status_code for answer in unsigned] == [401] * 4
    assert len({answer.content for answer in unsigned}) == 1
    assert not_served.status_code == 404
    assert {"401", "404", "409", "413", "422", "429", "503"} <= described["responses"].keys()
    assert 'path="/v1/webhook/{loop}",status="401"' in metrics
    assert len(world.logged()) == 3
    stored = {row["trace_id"]: row for row in world.pulled()}
    assert stored.keys() == {own, "a"}
    assert (stored["a"]["model_version"], json.loads(stored["a"]["context"])) == ("7", {"page": 2})
    assert [row["reason_code"] for row in world.store.read("quarantine").to_pylist()] == ["failed_prediction"]
    assert [row["feedback_id"] for row in world.pulled_feedback()] == ["f1"]
    events = (world.folder / "gateway.log").read_text()
    assert secret not in events
    assert secret.removeprefix("whsec_") not in events


def test_secrets_are_rotated_without_a_restart(world, secrets):
    old = add_secret(secrets, "tiny", "old")
    with running(world, webhooks=secrets) as gateway:
        new = add_secret(secrets, "tiny", "new")
        deadline = time.monotonic() + 30
        while send(gateway, new, prediction("a"), "m1").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert send(gateway, old, prediction("b"), "m2").status_code == 200


def test_kill_loses_and_doubles_nothing_though_every_message_is_sent_until_it_is_acknowledged(world, secrets):
    secret, acknowledged = add_secret(secrets, "tiny", "team"), []

    def sender(gateway):
        while True:
            number = len(acknowledged)
            try:
                answer = send(gateway, secret, prediction(f"t{number}"), f"m{number}")
            except httpx.TransportError:
                return
            assert answer.status_code == 200, answer.text
            acknowledged.append(number)

    for killed_at in (25, 50):
        with running(world, webhooks=secrets) as gateway:
            thread = threading.Thread(target=sender, args=(gateway,))
            thread.start()
            while len(acknowledged) < killed_at:
                assert thread.is_alive()
                time.sleep(0.005)
            gateway.kill()
            thread.join()
    with running(
        world, webhooks=secrets
    ) as gateway:  # what was acknowledged comes again: its answer was lost on the way
        for number in acknowledged[-5:]:
            line = next(line for line in world.logged() if line["trace_id"] == f"t{number}")
            assert send(gateway, secret, line, f"m{number}").status_code == 200
    rows = [row["trace_id"] for row in world.pulled()]
    assert len(rows) == len(set(rows))
    assert {f"t{number}" for number in acknowledged} <= set(rows)
    refused = world.store.read("quarantine").to_pylist()
    assert [row["reason_code"] for row in refused] in (
        [],
        ["repeated_trace_id"],
    )  # a line with another moment: not answered


def test_full_disk_and_large_bodies_are_told(world, secrets):
    secret = add_secret(secrets, "tiny", "team")
    with running(world, webhooks=secrets, most_body_kb=1) as gateway:
        assert send(gateway, secret, prediction("a", metadata={"a": "x" * 2000}), "m1").status_code == 413


def test_example_of_the_page_runs(world, secrets):
    page = (ROOT / "docs" / "serve-the-champion.md").read_text()
    (example,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "standardwebhooks" in code]
    secret = add_secret(secrets, "tiny", "team")
    with running(world, webhooks=secrets) as gateway:
        example = example.replace("http://localhost:8090/v1/webhook/mail", f"{gateway.url}/v1/webhook/tiny")
        example = example.replace('"spam"', '"crude"').replace('"ham"', '"ship"')
        own = {"WEBHOOK_SECRET": secret, "PATH": "/usr/bin"}
        done = subprocess.run([sys.executable, "-c", example], env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(world.pulled()) == 1
    assert len(world.pulled_feedback()) == 1
