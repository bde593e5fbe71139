"""A real gateway asks a challenger that waits for the gate about what it answers; the gate reads what it said."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from include.foundation.decisions import GateVerdict, RegisteredVersion, record
from include.foundation.models.registry import ModelRegistry
from include.stages.evaluation.live_requests import live_comparison
from include.stages.logs.shadow.shadow_lines import pull_shadow
from tests.builders import KEY
from tests.decision_builders import make_evaluation, make_gate_verdict
from tests.gateway.gateway_worlds import RunningGateway, World, make_world, running, today
from tests.gateway.test_gateway_process import Clients, assert_pulled_once
from tests.gateway.test_reload_process import LoopFile

pytestmark = pytest.mark.integration
REQUESTS = 60


@pytest.fixture
def world(tmp_path: Path, registry: ModelRegistry) -> World:
    shadow = {"uri": str(tmp_path / "shadow"), "requests": REQUESTS}
    return make_world(tmp_path, registry, deploy={"strategy": "shadow", "shadow": shadow})


def judged(world: World, outcome: str, version: str = "2", files_digest: str | None = None) -> GateVerdict:
    """Let the gate have said this of a version."""
    run_id = str(world.registry.run_of(version))
    key = world.registry.key_of(run_id, version)
    digest = files_digest or world.registry.files_digest(run_id=run_id, version=version)
    told = RegisteredVersion(subject=key, outcome="registered", reasons=(), version=version, run_id=run_id)
    record(world.store, told)
    return record(
        world.store, make_gate_verdict(key, outcome, champion_version="1", run_id=run_id, files_digest=digest)
    )


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def challenger_of(gateway: RunningGateway) -> str | None:
    version: str | None = gateway.client.get("/v1/models").json()["models"][0]["challenger"]
    return version


def shown(gateway: RunningGateway, name: str) -> float:
    lines = gateway.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"feedback_loop_gateway_{name}"))


def test_challenger_is_asked_about_what_is_answered_and_the_gate_hears_of_it(world: World) -> None:
    with running(world) as gateway:
        assert challenger_of(gateway) is None
        verdict = judged(world, "label_more")
        wait_until(lambda: challenger_of(gateway) == "2")
        with Clients(gateway, 4) as clients:
            clients.wait_for(REQUESTS)
        wait_until(lambda: shown(gateway, 'shadow_rows_total{loop="tiny",outcome="answered"') >= REQUESTS)
        judged(world, "reject")
        wait_until(lambda: challenger_of(gateway) is None)
        assert gateway.stop() == 0
    assert {answer["model_version"] for answer in clients.answers} == {"1"}
    assert set(clients.statuses) == {200}
    assert_pulled_once(world, clients.answers)
    assert pull_shadow(world.store, today(), KEY).rows >= REQUESTS
    evaluation = make_evaluation(verdict.subject, run_id=verdict.run_id)
    told = live_comparison(world.store, lambda: world.registry, evaluation)
    assert told is not None
    assert (told.outcome, told.failures.value, told.disagreement.value, told.skew.value) == ("fit", 0, 0, 0)
    assert told.seconds is not None


def test_kill_doubles_nothing_that_a_challenger_said(world: World) -> None:
    judged(world, "await_live")
    answers = []
    for _ in range(2):
        with running(world) as gateway:
            wait_until(lambda: challenger_of(gateway) == "2")
            with Clients(gateway, 4) as clients:
                clients.wait_for(40)
                gateway.kill()
        answers += clients.answers
    with running(world):
        pass  # completes what the killed ones left
    assert_pulled_once(world, answers)
    rows = pull_shadow(world.store, today(), KEY).rows
    said = [line["trace_id"] for line in world.logged("shadow")]
    assert len(said) == len(set(said)) == rows == world.store.read("shadow_answers").num_rows > 0
    assert set(said) <= {line["trace_id"] for line in world.logged()}


def test_challenger_that_cannot_be_loaded_is_told_and_every_request_is_answered(world: World) -> None:
    judged(world, "await_live", files_digest="0" * 64)
    with running(world) as gateway:
        wait_until(lambda: shown(gateway, "challenger_unasked") == 1)
        assert gateway.predict("oil").status_code == 200
        assert challenger_of(gateway) is None
        assert gateway.client.get("/ready").status_code == 200
        LoopFile(world).write(deploy={"strategy": "alias"})  # nobody is to be asked any more
        wait_until(lambda: shown(gateway, "challenger_unasked") == 0)
    assert world.logged("shadow") == []
    assert '"challenger cannot be asked"' in (world.folder / "gateway.log").read_text()
