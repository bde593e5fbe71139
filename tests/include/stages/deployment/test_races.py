"""Two changes of the champion at once: one wins, and alias and ledger agree."""

from collections.abc import Callable
from typing import Any

import pytest

from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import deploy
from include.stages.deployment.watching import rollback
from tests.decision_builders import make_approval, make_guard_verdict
from tests.include.stages.training.challenger_builders import register_challengers, say_gate


class Overtaken:
    """MLflow's client, with something else happening once just before or just after the alias is set."""

    def __init__(self, client: Any, meanwhile: Callable[[], object], *, before: bool) -> None:
        self._client = client
        self._meanwhile = [meanwhile]
        self._before = before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._set_alias if name == "set_registered_model_alias" else found

    def _set_alias(self, *args: Any) -> None:
        if self._before and self._meanwhile:
            self._meanwhile.pop()()
        self._client.set_registered_model_alias(*args)
        if self._meanwhile:
            self._meanwhile.pop()()


def overtaken(registry: ModelRegistry, meanwhile: Callable[[], object], *, before: bool) -> ModelRegistry:
    slow = ModelRegistry(registry.tracking_uri, registry.loop)
    slow.__dict__["client"] = Overtaken(registry.client, meanwhile, before=before)
    return slow


def deployment(store: LoopStore, key: str, champion: str | None) -> Callable[[ModelRegistry], object]:
    gate = say_gate(store, key, "promote", champion_version=champion)
    return lambda registry: deploy(store, registry, gate, make_approval(gate))


@pytest.fixture
def champion(store: LoopStore, registry: ModelRegistry, estimator: Any) -> None:
    """Version 1 is live; challengers b and c were judged against it."""
    register_challengers(registry, store, estimator, "a", "b", "c")
    deployment(store, "a", None)(registry)


@pytest.mark.usefixtures("champion")
def test_deploy_overtaken_before_it_set_the_alias_loses_and_puts_the_winner_back(
    store: LoopStore, registry: ModelRegistry
) -> None:
    winner = deployment(store, "c", "1")
    slow = overtaken(registry, lambda: winner(registry), before=True)
    with pytest.raises(DeploymentError, match="Version 2: another deployment came first"):
        deployment(store, "b", "1")(slow)
    assert [row.model_version for row in history(store)] == ["1", "3"]
    assert registry.aliased(CHAMPION) == "3"


@pytest.mark.usefixtures("champion")
def test_deploy_that_comes_after_the_alias_was_set_is_refused_as_stale(
    store: LoopStore, registry: ModelRegistry
) -> None:
    late = deployment(store, "c", "1")

    def refused() -> None:
        with pytest.raises(DeploymentError, match="stale"):
            late(registry)

    deployment(store, "b", "1")(overtaken(registry, refused, before=False))
    assert [row.model_version for row in history(store)] == ["1", "2"]
    assert registry.aliased(CHAMPION) == "2"


@pytest.mark.usefixtures("champion")
def test_rollback_overtaken_by_a_deployment_leaves_the_new_champion(store: LoopStore, registry: ModelRegistry) -> None:
    deployment(store, "b", "1")(registry)
    newer = deployment(store, "c", "2")
    slow = overtaken(registry, lambda: newer(registry), before=True)
    with pytest.raises(DeploymentError, match="another deployment came first"):
        rollback(store, slow, make_guard_verdict())
    assert history(store)[-1].model_version == registry.aliased(CHAMPION) == "3"


@pytest.mark.usefixtures("champion")
def test_deploy_overtaken_by_a_rollback_leaves_the_predecessor(store: LoopStore, registry: ModelRegistry) -> None:
    deployment(store, "b", "1")(registry)
    broken = make_guard_verdict()
    slow = overtaken(registry, lambda: rollback(store, registry, broken), before=True)
    with pytest.raises(DeploymentError, match="another deployment came first"):
        deployment(store, "c", "2")(slow)
    assert history(store)[-1].model_version == registry.aliased(CHAMPION) == "1"
