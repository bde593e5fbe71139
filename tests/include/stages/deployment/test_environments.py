import json
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from include.foundation.decisions import GateVerdict
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import MANIFEST, deliver_before_production, deploy
from include.stages.deployment.reconciling import reconcile
from include.stages.deployment.store_checks import check_store
from include.stages.deployment.watching import rollback
from include.stages.gate.approval import record_approval
from tests.decision_builders import make_approval, make_guard_verdict
from tests.include.stages.deployment.test_manifest_repository import cloned_from, files, made_copy, messages
from tests.include.stages.training.challenger_builders import (
    make_label_store,
    make_text_loop,
    register_challengers,
    say_gate,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return made_copy(tmp_path / "deployments")


@pytest.fixture
def store(tmp_path: Path, repository: Path) -> LoopStore:
    gitops = {"repository": str(repository), "before_production": ["dev", "staging"], "production": "prod"}
    return make_label_store(tmp_path, make_text_loop(deploy={"gitops": gitops}))


@pytest.fixture
def first(store: LoopStore, registry: ModelRegistry, estimator: Any) -> GateVerdict:
    register_challengers(registry, store, estimator, "a", "b", "c")
    return say_gate(store, "a", "promote", champion_version=None)


@pytest.fixture
def second(store: LoopStore, registry: ModelRegistry, first: GateVerdict) -> GateVerdict:
    """Promotes challenger ``b`` over the live version 1."""
    deploy(store, registry, first, make_approval(first))
    return say_gate(store, "b", "promote", champion_version="1")


def served(repository: Path) -> dict[str, str]:
    """Version by environment."""
    return {path.parent.name: json.loads(path.read_text())["version"] for path in repository.glob("*/tiny.json")}


def approve(store: LoopStore, gate: GateVerdict, environment: str, *, approved: bool = True) -> Any:
    return record_approval(store, gate.reference, approved=approved, by="person", environment=environment)


def test_what_is_live_is_committed_once(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, repository: Path
) -> None:
    for _ in range(2):
        deploy(store, registry, first, make_approval(first))
    assert served(repository) == {"prod": "1"}
    (message,) = messages(repository)
    assert message.startswith("tiny: deploy version 1 in prod\n\nSaid promote.\n\nEvidence: ")
    beside = Path(store.uri, "_files", MANIFEST)
    assert (repository / "prod" / "tiny.json").read_text() == beside.read_text()


def test_production_has_the_name_that_the_loop_file_gives_it(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, repository: Path
) -> None:
    deploy(store, registry, first, make_approval(first))
    assert (repository / "prod" / "tiny.json").exists()


def test_first_environment_serves_a_promoted_challenger_without_an_approval(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict, repository: Path
) -> None:
    assert deliver_before_production(store, registry, second, "dev", None) == ("2", True)
    assert deliver_before_production(store, registry, second, "dev", None) == ("2", False)
    assert served(repository) == {"dev": "2", "prod": "1"}
    assert (registry.aliased(CHAMPION), len(history(store))) == ("1", 1)


def test_each_further_one_needs_an_approval_of_its_own(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict, repository: Path
) -> None:
    with pytest.raises(DeploymentError, match="staging needs an approval"):
        deliver_before_production(store, registry, second, "staging", None)
    for wrong in (
        make_approval(second),
        approve(store, second, "dev"),
        approve(store, second, "staging", approved=False),
    ):
        with pytest.raises(DeploymentError, match="expected one of b in staging"):
            deliver_before_production(store, registry, second, "staging", wrong)
    assert served(repository) == {"prod": "1"}
    deliver_before_production(store, registry, second, "staging", approve(store, second, "staging"))
    assert served(repository) == {"staging": "2", "prod": "1"}


def test_approval_of_other_evidence_is_refused(store: LoopStore, registry: ModelRegistry, second: GateVerdict) -> None:
    other = say_gate(store, "b", "promote", champion_version="1", round=2)
    with pytest.raises(DeploymentError, match="on evidence"):
        deliver_before_production(store, registry, second, "staging", approve(store, other, "staging"))


def test_approval_in_an_environment_is_none_of_the_deployment(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    approval = approve(store, second, "staging")
    assert approval.subject == "b in staging"
    deploy(store, registry, second, make_approval(second))
    assert registry.aliased(CHAMPION) == "2"


def test_what_was_not_promoted_is_delivered_nowhere(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, repository: Path
) -> None:
    with pytest.raises(DeploymentError, match="got reject, expected promote"):
        deliver_before_production(store, registry, say_gate(store, "b", "reject"), "dev", None)
    assert served(repository) == {}


def test_what_was_replaced_since_is_not_delivered_again(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, second: GateVerdict, repository: Path
) -> None:
    deploy(store, registry, second, make_approval(second))
    with pytest.raises(DeploymentError, match="was deployed on this evidence before"):
        deliver_before_production(store, registry, first, "dev", None)


def test_rollback_reaches_every_environment_that_was_to_serve_the_version(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict, repository: Path
) -> None:
    deliver_before_production(store, registry, second, "dev", None)
    deliver_before_production(store, registry, second, "staging", approve(store, second, "staging"))
    deploy(store, registry, second, make_approval(second))
    third = say_gate(store, "c", "promote", champion_version="2")
    deliver_before_production(store, registry, third, "dev", None)
    assert served(repository) == {"dev": "3", "staging": "2", "prod": "2"}
    rollback(store, registry, make_guard_verdict())
    assert served(repository) == {"dev": "3", "staging": "1", "prod": "1"}
    assert messages(repository)[0].startswith("tiny: rollback version 1 in prod, staging")
    before = messages(repository)
    reconcile(store, registry)
    assert messages(repository) == before


def test_commits_are_pushed_where_the_loop_file_says_so(
    tmp_path: Path, registry: ModelRegistry, estimator: Any, first: GateVerdict
) -> None:
    remote = tmp_path / "remote.git"
    remote.mkdir()
    Repo.init_bare(str(remote)).close()
    gitops = {"repository": str(cloned_from(remote, tmp_path / "cloned")), "push": True}
    store = make_label_store(tmp_path, make_text_loop(deploy={"gitops": gitops}))
    deploy(store, registry, first, make_approval(first))
    assert files(remote).keys() == {"production/tiny.json"}


def test_manifest_that_a_person_changed_is_damage_that_reconcile_mends(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, repository: Path
) -> None:
    deploy(store, registry, first, make_approval(first))
    assert [one for one in check_store(store, registry) if "prod" in one.what] == []
    (repository / "prod" / "tiny.json").write_text("{}")
    (damage,) = [one for one in check_store(store, registry) if "/prod: " in one.what]
    assert damage.what.endswith("does not say that version 1 is live")
    reconcile(store, registry)
    assert served(repository) == {"prod": "1"}


def test_repository_that_is_gone_fails_the_task_and_the_next_attempt_finishes(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, repository: Path, tmp_path: Path
) -> None:
    repository.rename(tmp_path / "away")
    with pytest.raises(DeploymentError, match="expected a folder that is there"):
        deploy(store, registry, first, make_approval(first))
    (tmp_path / "away").rename(repository)
    deploy(store, registry, first, make_approval(first))
    assert (served(repository), len(history(store))) == ({"prod": "1"}, 1)
