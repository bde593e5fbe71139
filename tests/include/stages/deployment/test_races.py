"""Two changes of the champion at once: one wins, and alias and ledger agree."""

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.loop_files import read_file
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import MANIFEST, deploy
from include.stages.deployment.watching import rollback
from include.stages.evaluation.registering import register_challenger
from include.stages.training.deciding import decide_retrain
from include.stages.training.fitting import train_challenger
from tests.decision_builders import make_approval, make_evaluation, make_guard_verdict
from tests.include.stages.training.challenger_builders import publish_labels, register_challengers, say_gate


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


class OvertakenStore(LoopStore):
    """The store, with something else happening once just before the ledger is written."""

    meanwhile: Callable[[], object] | None = None

    def append_computed(self, name: str, *args: Any, **kwargs: Any) -> Any:
        first, self.meanwhile = self.meanwhile if name == "deployments" else None, self.meanwhile
        if first:
            self.meanwhile = None
            first()
        return super().append_computed(name, *args, **kwargs)


def overtaken_store(store: LoopStore, meanwhile: Callable[[], object]) -> LoopStore:
    slow = OvertakenStore(store.loop, store.uri.removesuffix(f"/{store.loop.name}"))
    slow.meanwhile = meanwhile
    return slow


def agreed(store: LoopStore, registry: ModelRegistry) -> str | None:
    """Return what is live, if ledger, alias and manifest agree on it."""
    live = history(store)[-1].model_version
    manifest = json.loads(read_file(store, MANIFEST))["version"]
    return live if live == registry.aliased(CHAMPION) == manifest else None


@pytest.mark.usefixtures("champion")
def test_deploy_overtaken_before_it_wrote_the_ledger_loses_and_leaves_the_winner(
    store: LoopStore, registry: ModelRegistry
) -> None:
    winner = deployment(store, "c", "1")
    with pytest.raises(DeploymentError, match="Version 2: another deployment came first"):
        deployment(overtaken_store(store, lambda: winner(registry)), "b", "1")(registry)
    assert [row.model_version for row in history(store)] == ["1", "3"]
    assert agreed(store, registry) == "3"


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("before", [True, False])
def test_second_deployment_while_the_first_moves_the_alias_is_refused_as_stale(
    store: LoopStore, registry: ModelRegistry, before: bool
) -> None:
    late = deployment(store, "c", "1")

    def refused() -> None:
        with pytest.raises(DeploymentError, match="stale"):
            late(registry)

    deployment(store, "b", "1")(overtaken(registry, refused, before=before))
    assert [row.model_version for row in history(store)] == ["1", "2"]
    assert agreed(store, registry) == "2"


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("before", [True, False])
def test_rollback_while_a_deployment_moves_the_alias_leaves_the_predecessor(
    store: LoopStore, registry: ModelRegistry, before: bool
) -> None:
    slow = overtaken(registry, lambda: rollback(store, registry, make_guard_verdict()), before=before)
    deployment(store, "b", "1")(slow)
    assert [row.model_version for row in history(store)] == ["1", "2", "1"]
    assert agreed(store, registry) == "1"


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("before", [True, False])
def test_deployment_while_a_rollback_moves_the_alias_leaves_the_newest(
    store: LoopStore, registry: ModelRegistry, before: bool
) -> None:
    deployment(store, "b", "1")(registry)
    newest = deployment(store, "c", "1")
    meanwhile = (lambda: None) if before else (lambda: newest(registry))
    rollback(store, overtaken(registry, meanwhile, before=before), make_guard_verdict())
    assert agreed(store, registry) == history(store)[-1].model_version == ("1" if before else "3")


@pytest.mark.usefixtures("champion")
def test_four_deployments_against_four_rollbacks_leave_ledger_alias_and_manifest_agreed(
    store: LoopStore, registry: ModelRegistry
) -> None:
    change = deployment(store, "b", "1")
    change(registry)
    verdict = make_guard_verdict()
    newest = say_gate(store, "c", "promote", champion_version="2")

    def attempt(number: int) -> None:
        own = ModelRegistry(registry.tracking_uri, registry.loop)
        with contextlib.suppress(DeploymentError):  # the losers are refused
            if number % 2:
                rollback(store_again(store), own, verdict)
            else:
                deploy(store_again(store), own, newest, make_approval(newest))

    at_once(attempt, 8)
    assert agreed(store, registry) is not None
    assert [row.model_version for row in history(store)] in (["1", "2", "1"], ["1", "2", "3"])


def test_eight_trainings_and_registrations_at_once_make_one_run_and_one_version(
    store: LoopStore, registry: ModelRegistry
) -> None:
    publish_labels(store, range(12))
    plan = decide_retrain(store)
    made: list[tuple[str, str]] = []

    def attempt(_: int) -> None:
        own, tables = ModelRegistry(registry.tracking_uri, registry.loop), store_again(store)
        trained = train_challenger(tables, plan, own)
        measured = make_evaluation(plan.subject, run_id=trained.run_id)
        made.append((trained.run_id, register_challenger(tables, own, measured).version))

    at_once(attempt, 8)
    register_challenger(store, registry, make_evaluation(plan.subject, run_id=made[0][0]))
    assert len(made) == 8
    assert len(set(made)) == 1
    assert registry.versions_of(plan.subject) == [made[0][1]] == [registry.aliased("challenger")]
    runs = registry.client.search_runs([registry.experiment_id])
    assert [run.info.run_id for run in runs if run.info.status == "FINISHED"] == [made[0][0]]


def store_again(store: LoopStore) -> LoopStore:
    return LoopStore(store.loop, store.uri.removesuffix(f"/{store.loop.name}"))


def at_once(attempt: Callable[[int], None], times: int) -> None:
    with ThreadPoolExecutor(times) as pool:
        list(pool.map(attempt, range(times)))
