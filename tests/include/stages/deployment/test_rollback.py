import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import GuardVerdict
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import Deployment, Promise, history, live
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import deploy
from include.stages.deployment.watching import rollback
from tests.decision_builders import make_approval, make_guard_verdict, make_scores
from tests.include.stages.training.challenger_builders import PROMISE, register_challengers, say_gate

LOWER = replace(PROMISE, value=0.8, low=0.7, high=0.85)


def promote(
    store: LoopStore, registry: ModelRegistry, key: str, champion: str | None, promise: Estimate = PROMISE
) -> None:
    gate = say_gate(store, key, "promote", champion_version=champion, scores=make_scores(challenger=promise))
    deploy(store, registry, gate, make_approval(gate))


def broken(version: str, outcome: str = "broken", why: str = "The promise is broken.") -> GuardVerdict:
    return make_guard_verdict(version, outcome, reasons=(why,))


def live_now(store: LoopStore) -> Deployment:
    deployment = live(store)
    assert deployment is not None
    return deployment


@pytest.fixture
def replaced(store: LoopStore, registry: ModelRegistry, estimator: Any) -> None:
    """Version 2 is live, and 1 was before it."""
    register_challengers(registry, store, estimator, "a", "b", "c")
    promote(store, registry, "a", None, LOWER)
    promote(store, registry, "b", "1")


@pytest.mark.usefixtures("replaced")
class TestReplaced:
    def test_rollback_puts_the_predecessor_back_with_its_own_promise(
        self, store: LoopStore, registry: ModelRegistry
    ) -> None:
        report = rollback(store, registry, broken("2"))
        deployment = live_now(store)
        assert (report.version, report.previous, registry.aliased(CHAMPION)) == ("1", "2", "1")
        told = (deployment.action, deployment.previous_version, deployment.why)
        assert told == ("rollback", "2", "The promise is broken.")
        assert deployment.promised == Promise.of(LOWER.value, LOWER.low, LOWER.high)
        assert json.loads(Path(report.manifest).read_text())["version"] == "1"

    def test_rollback_run_again_happens_once(self, store: LoopStore, registry: ModelRegistry) -> None:
        first = rollback(store, registry, broken("2"))
        before = history(store)
        assert rollback(store, registry, broken("2")) == first
        assert history(store) == before
        assert registry.aliased(CHAMPION) == "1"

    def test_rollback_killed_after_the_alias_moved_is_finished_by_the_next(
        self, store: LoopStore, registry: ModelRegistry
    ) -> None:
        registry.set_alias(CHAMPION, "1")
        rollback(store, registry, broken("2"))
        assert [(row.model_version, row.action) for row in history(store)][-1] == ("1", "rollback")

    @pytest.mark.parametrize("outcome", ["kept", "inconclusive", "nothing_live"])
    def test_rollback_of_a_promise_that_is_not_broken_is_refused(
        self, store: LoopStore, registry: ModelRegistry, outcome: str
    ) -> None:
        with pytest.raises(DeploymentError, match=f"Guard says {outcome} of version 2, expected broken"):
            rollback(store, registry, broken("2", outcome))
        assert registry.aliased(CHAMPION) == "2"

    def test_rollback_of_the_first_version_says_what_to_do(self, store: LoopStore, registry: ModelRegistry) -> None:
        rollback(store, registry, broken("2"))
        with pytest.raises(DeploymentError, match="Version 1 has no predecessor to go back to: deploy one by hand"):
            rollback(store, registry, broken("1"))
        assert registry.aliased(CHAMPION) == "1"

    def test_rollback_on_a_verdict_about_a_version_that_is_long_replaced_is_refused(
        self, store: LoopStore, registry: ModelRegistry
    ) -> None:
        promote(store, registry, "c", "2")
        before = history(store)
        with pytest.raises(DeploymentError, match="champion is version 3"):
            rollback(store, registry, broken("2"))
        assert registry.aliased(CHAMPION) == "3"
        assert history(store) == before

    def test_rollback_run_again_after_another_version_went_live_is_refused(
        self, store: LoopStore, registry: ModelRegistry
    ) -> None:
        rollback(store, registry, broken("2"))
        promote(store, registry, "c", "1")
        with pytest.raises(DeploymentError, match="champion is version 3"):
            rollback(store, registry, broken("2"))
        assert registry.aliased(CHAMPION) == "3"

    def test_rollback_of_a_later_champion_goes_back_to_the_same_predecessor(
        self, store: LoopStore, registry: ModelRegistry
    ) -> None:
        rollback(store, registry, broken("2"))
        promote(store, registry, "c", "1")
        rollback(store, registry, broken("3"))
        assert [row.model_version for row in history(store)] == ["1", "2", "1", "3", "1"]
        assert registry.aliased(CHAMPION) == "1"


def test_rollback_to_a_version_that_was_made_champion_by_hand_promises_nothing(
    store: LoopStore, registry: ModelRegistry, estimator: Any
) -> None:
    register_challengers(registry, store, estimator, "a", "b")
    registry.set_alias(CHAMPION, "1")
    promote(store, registry, "b", "1")
    rollback(store, registry, broken("2"))
    deployment = live_now(store)
    assert (deployment.model_version, deployment.action, deployment.promised) == ("1", "rollback", None)
