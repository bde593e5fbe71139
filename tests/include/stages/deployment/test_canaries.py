"""A canary begins, goes on, is live or stopped; killed anywhere, ledger and alias agree when the task has run again."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GateVerdict, GuardVerdict
from include.foundation.errors import DeploymentError, NothingToDo
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.canary_callers import caller_of, is_served_by_canary
from include.foundation.store.ledgers.deployments import (
    Deployment,
    append_deployment,
    canary,
    changes,
    history,
    live,
    watched,
)
from include.foundation.store.tables import LoopStore
from include.stages.deployment.canaries import CanaryReport, advance_canary, roll_out
from include.stages.deployment.deploying import DeployReport, deploy
from include.stages.deployment.reconciling import adopt
from include.stages.deployment.store_checks import check_store
from include.stages.deployment.watching import rollback
from tests.contracts.crash_story import Crash, Steps
from tests.decision_builders import make_approval, make_guard_verdict
from tests.include.stages.training.challenger_builders import make_text_loop, register_challengers, say_gate

SHARES = [0.1, 0.5, 1.0]


@pytest.fixture
def canary_store(tmp_path: Path) -> LoopStore:
    loop = make_text_loop(deploy={"strategy": "canary", "canary": {"shares": SHARES, "step_hours": 1}})
    return LoopStore(loop, str(tmp_path / "store"))


@pytest.fixture
def second(canary_store: LoopStore, registry: ModelRegistry, estimator: Any) -> GateVerdict:
    """Promotes challenger ``b`` over the live version 1."""
    register_challengers(registry, canary_store, estimator, "a", "b", "c")
    first = say_gate(canary_store, "a", "promote", champion_version=None)
    assert isinstance(roll_out(canary_store, registry, first, make_approval(first)), DeployReport)
    return say_gate(canary_store, "b", "promote", champion_version="1")


def begin(store: LoopStore, registry: ModelRegistry, gate: GateVerdict) -> Any:
    return roll_out(store, registry, gate, make_approval(gate))


def says(store: LoopStore, gate: GateVerdict, outcome: str, share: float | None = None) -> GuardVerdict:
    running = canary(store)
    own = share or (running.share if running else None)
    return make_guard_verdict("2", outcome, deployment=gate.evidence_digest, share=own, predecessor="1")


def served(store: LoopStore) -> tuple[str | None, float | None]:
    deployment, running = live(store), canary(store)
    return deployment.model_version if deployment else None, running.share if running else None


def test_first_model_is_live_at_once_and_the_next_is_served_to_a_share(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    assert begin(canary_store, registry, second) == CanaryReport("2", "1", 0.1)
    before = changes(canary_store)
    assert begin(canary_store, registry, second) == CanaryReport("2", "1", 0.1)
    assert changes(canary_store) == before
    assert served(canary_store) == ("1", 0.1)
    assert (registry.aliased(CHAMPION), len(history(canary_store))) == ("1", 1)
    assert [one.action for one in watched(canary_store)] == ["deploy", "canary"]


def test_steps_follow_one_another_and_after_the_last_it_is_live(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    begin(canary_store, registry, second)
    step = says(canary_store, second, "advance")
    assert advance_canary(canary_store, registry, step).share == 0.5
    with pytest.raises(NothingToDo, match="not in that step any more"):
        advance_canary(canary_store, registry, step)
    last = says(canary_store, second, "advance")
    assert advance_canary(canary_store, registry, last) == CanaryReport("2", "1", 1.0)
    assert advance_canary(canary_store, registry, last) == CanaryReport("2", "1", 1.0)
    assert (served(canary_store), registry.aliased(CHAMPION)) == (("2", None), "2")
    assert [(one.action, one.share) for one in changes(canary_store)] == [
        ("deploy", None), ("canary", 0.1), ("canary", 0.5), ("deploy", None),
    ]  # fmt: skip
    newest = history(canary_store)[-1]
    assert (newest.previous_version, newest.evidence_digest) == ("1", second.evidence_digest)
    assert begin(canary_store, registry, second).version == "2"
    assert check_store(canary_store, registry) == []


def test_broken_canary_is_stopped_once_and_never_comes_back(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    begin(canary_store, registry, second)
    broken = says(canary_store, second, "broken")
    report = rollback(canary_store, registry, broken)
    assert rollback(canary_store, registry, broken) == report
    assert (report.version, report.previous) == ("1", "2")
    assert (served(canary_store), registry.aliased(CHAMPION)) == (("1", None), "1")
    assert [one.action for one in changes(canary_store)] == ["deploy", "canary", "stop"]
    with pytest.raises(NothingToDo):
        advance_canary(canary_store, registry, says(canary_store, second, "advance", share=0.1))
    for store in (canary_store, LoopStore(make_text_loop(), canary_store.uri.rpartition("/")[0])):
        with pytest.raises(DeploymentError, match="served no more"):
            begin(store, registry, second)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("what", ["advance", "complete", "stop"])
def test_killed_at_any_step_it_is_as_it_should_be_when_the_task_has_run_again(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict, tmp_path: Path, what: str, after: bool
) -> None:
    begin(canary_store, registry, second)
    if what == "complete":
        advance_canary(canary_store, registry, says(canary_store, second, "advance"))
    verdict = says(canary_store, second, "broken" if what == "stop" else "advance")
    expected = {"advance": ("1", 0.5), "complete": ("2", None), "stop": ("1", None)}[what]
    kills = 0
    for number in range(1, 100):
        folder = tmp_path / f"{number}"
        shutil.copytree(tmp_path / "store", folder)
        registry.set_alias(CHAMPION, "1")
        store = LoopStore(canary_store.loop, str(folder))
        task = partial(rollback if what == "stop" else advance_canary, store, registry, verdict)
        try:
            with Steps(number, after).watched():
                task()
            break
        except Crash:
            kills += 1
        with suppress(NothingToDo):
            task()
        assert (served(store), registry.aliased(CHAMPION)) == (expected, expected[0])
        assert len(
            [one for one in changes(store) if one.evidence_digest in {second.evidence_digest, verdict.evidence_digest}]
        ) == (3 if what == "complete" else 2)
        assert (
            check_store(store, registry) == [] or what == "stop"
        )  # its verdict was made for this test and not recorded
    assert kills >= 1


def test_one_canary_runs_at_a_time(canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict) -> None:
    begin(canary_store, registry, second)
    third = say_gate(canary_store, "c", "promote", champion_version="1")
    with pytest.raises(DeploymentError, match="Version 2 is served as a canary"):
        begin(canary_store, registry, third)


def test_evidence_about_another_champion_is_refused(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    stale = say_gate(canary_store, "c", "promote", champion_version="2")
    with pytest.raises(DeploymentError, match="it is stale"):
        begin(canary_store, registry, stale)


def test_what_a_person_makes_live_ends_a_canary(
    canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    begin(canary_store, registry, second)
    verdict = says(canary_store, second, "advance")
    adopt(canary_store, registry, "3", "by hand")
    assert served(canary_store) == ("3", None)
    with pytest.raises(NothingToDo):
        advance_canary(canary_store, registry, verdict)


def test_change_that_came_first_wins(canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict) -> None:
    begin(canary_store, registry, second)
    known = len(changes(canary_store))
    advance_canary(canary_store, registry, says(canary_store, second, "advance"))
    with pytest.raises(DeploymentError, match="another deployment came first"):
        append_deployment(canary_store, Deployment("3", "1", "deploy", "late", "late", None), known=known)


def test_step_begins_by_the_clock(canary_store: LoopStore, registry: ModelRegistry, second: GateVerdict) -> None:
    begin(canary_store, registry, second)
    running = canary(canary_store)
    assert running is not None
    assert abs(datetime.now(UTC) - running.step.deployed_at) < timedelta(minutes=5)
    assert (running.number, running.first) == (1, running.step)


def test_callers_of_a_share_are_those_of_a_larger_one_too_and_so_many() -> None:
    callers = [caller_of(number, "t") for number in range(4000)]
    small, large = ({one for one in callers if is_served_by_canary(one, "e", share)} for share in (0.1, 0.5))
    assert small < large
    assert 320 < len(small) < 480  # four standard deviations
    assert not any(is_served_by_canary(one, "e", 0.0) for one in callers)
    assert all(is_served_by_canary(one, "e", 1.0) for one in callers)
    other = {one for one in callers if is_served_by_canary(one, "another", 0.1)}
    assert len(other & small) < 100


def test_deploy_by_alias_is_as_it_was(store: LoopStore, registry: ModelRegistry, estimator: Any) -> None:
    register_challengers(registry, store, estimator, "a", "b")
    for key, champion in (("a", None), ("b", "1")):
        gate = say_gate(store, key, "promote", champion_version=champion)
        assert roll_out(store, registry, gate, make_approval(gate)) == deploy(
            store, registry, gate, make_approval(gate)
        )
    assert served(store) == ("2", None)
