"""A real gateway serves a canary to its callers, follows the ledger from step to step, and is right again after a kill."""

import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.canary_callers import caller_of, is_served_by_canary
from include.foundation.store.ledgers.deployments import Deployment, append_deployment, canary
from include.stages.deployment.canaries import advance_canary
from include.stages.deployment.canary_traffic import canary_traffic
from include.stages.deployment.watching import rollback
from tests.decision_builders import make_guard_verdict
from tests.gateway.gateway_worlds import RunningGateway, World, make_world, running
from tests.gateway.test_gateway_process import assert_pulled_once
from tests.gateway.test_shadow_process import shown, wait_until

pytestmark = pytest.mark.integration
SHARES = [0.25, 0.5, 1.0]


@pytest.fixture
def world(tmp_path: Path, registry: ModelRegistry) -> World:
    return make_world(tmp_path, registry, deploy={"strategy": "canary", "canary": {"shares": SHARES}})


def begin(world: World, files_digest: str | None = None) -> None:
    digest = files_digest or world.registry.files_digest(run_id=str(world.registry.run_of("2")), version="2")
    append_deployment(world.store, Deployment("2", "1", "canary", "a test", "canary", None, digest, share=SHARES[0]))


def advance(world: World) -> None:
    step = canary(world.store)
    assert step is not None
    verdict = make_guard_verdict("2", "advance", deployment="canary", share=step.share)
    advance_canary(world.store, world.registry, verdict)


def shows(gateway: RunningGateway) -> tuple[str, str | None, float]:
    model = gateway.client.get("/v1/models").json()["models"][0]
    return model["version"], model["canary"], model["canary_share"]


def ask(gateway: RunningGateway, callers: range) -> list[dict[str, str]]:
    answers = [gateway.predict("oil rig", source_id=number) for number in callers]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def versions(callers: range, share: float) -> list[str]:
    """Return which version answers each caller."""
    return ["2" if is_served_by_canary(caller_of(each, ""), "canary", share) else "1" for each in callers]


def test_each_caller_is_served_by_one_version_from_step_to_step_until_it_is_live(world: World) -> None:
    callers, answers = range(40), []
    with running(world) as gateway:
        answers += ask(gateway, callers)
        assert {answer["model_version"] for answer in answers} == {"1"}
        begin(world)
        for share in SHARES[:-1]:
            wait_until(lambda share=share: shows(gateway) == ("1", "2", share))  # type: ignore[misc]
            for _ in range(2):
                step = ask(gateway, callers)
                assert [answer["model_version"] for answer in step] == versions(callers, share)
                answers += step
            advance(world)
        wait_until(lambda: shows(gateway) == ("2", None, 0.0))
        answers += ask(gateway, callers)
        assert {answer["model_version"] for answer in answers[-40:]} == {"2"}
        assert gateway.stop() == 0
    assert world.registry.aliased(CHAMPION) == "2"
    assert_pulled_once(world, answers)
    stored = {(row["source_id"], row["model_version"]) for row in world.store.read("predictions").to_pylist()}
    assert {version for source, version in stored if source == "0"} <= {"1", "2"}


def test_requests_without_a_source_are_served_by_share_and_rows_of_one_request_each(world: World) -> None:
    begin(world)
    with running(world) as gateway:
        wait_until(lambda: shows(gateway)[1] == "2")
        body = {"instances": [{"input": {"text": "oil"}}] * 400}
        answers = gateway.client.post("/v1/predict", json=body).json()["predictions"]
    counts = Counter(answer["model_version"] for answer in answers)
    assert 60 < counts["2"] < 140  # four standard deviations
    expected = [is_served_by_canary(caller_of(None, each["trace_id"]), "canary", SHARES[0]) for each in answers]
    assert [answer["model_version"] == "2" for answer in answers] == expected


def test_killed_gateway_serves_the_same_callers_at_once_when_it_is_back(world: World) -> None:
    begin(world)
    callers, answers = range(30), []
    for _ in range(2):
        with running(world) as gateway:
            answers += ask(gateway, callers)  # the first answer already
            assert [answer["model_version"] for answer in answers[-30:]] == versions(callers, SHARES[0])
            gateway.kill()
    with running(world):
        pass  # completes what the killed ones left
    assert_pulled_once(world, answers)
    step = canary(world.store)
    assert step is not None
    told = canary_traffic(world.store, step)
    assert told.by_both == 0


def test_steps_and_a_stop_under_load_cost_no_request(world: World) -> None:
    statuses: Counter[int] = Counter()
    stopped = threading.Event()

    def _ask(gateway: RunningGateway, number: int) -> None:
        with httpx.Client(base_url=gateway.url, timeout=20) as client:
            while not stopped.is_set():
                body = {"input": {"text": "oil"}, "source_id": number}
                statuses[client.post("/v1/predict", json=body).status_code] += 1

    with running(world) as gateway:
        threads = [threading.Thread(target=_ask, args=(gateway, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        begin(world)
        wait_until(lambda: shows(gateway)[2] == SHARES[0])
        advance(world)
        wait_until(lambda: shows(gateway)[2] == SHARES[1])
        rollback(world.store, world.registry, make_guard_verdict("2", "broken", deployment="canary", share=SHARES[1]))
        wait_until(lambda: shows(gateway) == ("1", None, 0.0))
        stopped.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}


def test_canary_that_cannot_be_loaded_is_told_and_everybody_is_served_what_is_live(world: World) -> None:
    begin(world, files_digest="0" * 64)
    with running(world) as gateway:
        wait_until(lambda: shown(gateway, "canary_unserved") == 1)
        assert {answer["model_version"] for answer in ask(gateway, range(20))} == {"1"}
    assert '"canary cannot be served"' in (world.folder / "gateway.log").read_text()
