import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.foundation.decisions import Approval, GateVerdict
from include.foundation.errors import DeploymentError
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import Promise, history
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import DeployReport, deploy
from include.stages.deployment.watching import rollback
from tests.decision_builders import make_approval, make_guard_verdict, make_scores
from tests.include.stages.training.challenger_builders import (
    DAY,
    PROMISE,
    add_predictions,
    register_challengers,
    say_gate,
)


@pytest.fixture
def versions(registry: ModelRegistry, store: LoopStore, estimator: Any) -> list[str]:
    return register_challengers(registry, store, estimator, "a", "b", "c")


@pytest.fixture
def first(store: LoopStore, versions: list[str]) -> GateVerdict:
    """Promotes challenger ``a`` where there is no champion."""
    return say_gate(store, "a", "promote", champion_version=None)


@pytest.fixture
def second(store: LoopStore, registry: ModelRegistry, first: GateVerdict) -> GateVerdict:
    """Promotes challenger ``b`` over the live version 1."""
    deploy(store, registry, first, make_approval(first))
    return say_gate(store, "b", "promote", champion_version="1")


def untouched(store: LoopStore, registry: ModelRegistry) -> bool:
    return registry.aliased(CHAMPION) is None and history(store) == []


def manifest_of(report: DeployReport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(report.manifest).read_text())
    return found


def test_deploy_of_the_first_model_makes_it_champion_with_its_promise(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    report = deploy(store, registry, first, make_approval(first))
    champion, (deployment,) = registry.champion(), history(store)
    assert champion is not None
    assert (report.version, report.previous, champion.challenger_key) == ("1", None, "a")
    assert deployment.promised == Promise.of(PROMISE.value, PROMISE.low, PROMISE.high)
    assert (deployment.action, deployment.why) == ("deploy", "Said promote.")


def test_deploy_writes_a_manifest_that_names_version_and_evidence(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    report = deploy(store, registry, first, make_approval(first))
    manifest = manifest_of(report)
    assert Path(report.manifest).read_text() == json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    expected = {
        "loop": "tiny",
        "model": "tiny",
        "version": "1",
        "model_uri": "models:/tiny/1",
        "evidence_digest": first.evidence_digest,
        "run_id": registry.run_of("1"),
    }
    assert manifest.items() >= expected.items()


def test_deploy_of_a_challenger_moves_the_alias_and_keeps_the_predecessor(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    report = deploy(store, registry, second, make_approval(second))
    assert (report.version, report.previous, registry.aliased(CHAMPION)) == ("2", "1", "2")
    assert [(row.model_version, row.previous_version) for row in history(store)] == [("1", None), ("2", "1")]


def test_deploy_run_again_changes_nothing(store: LoopStore, registry: ModelRegistry, second: GateVerdict) -> None:
    once = deploy(store, registry, second, make_approval(second))
    before = history(store)
    assert deploy(store, registry, second, make_approval(second)) == once
    assert history(store) == before


def test_deploy_after_the_alias_moved_but_the_ledger_did_not_finishes_the_ledger(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    registry.set_alias(CHAMPION, "2")
    deploy(store, registry, second, make_approval(second))
    assert [row.model_version for row in history(store)] == ["1", "2"]


@pytest.mark.parametrize("outcome", ["reject", "label_more"])
def test_deploy_of_what_was_not_promoted_is_refused(
    store: LoopStore, registry: ModelRegistry, versions: list[str], outcome: str
) -> None:
    gate = say_gate(store, "a", outcome)
    with pytest.raises(DeploymentError, match=f"gate: got {outcome}, expected promote"):
        deploy(store, registry, gate, make_approval(gate))
    assert untouched(store, registry)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"outcome": "rejected"}, "approval: got rejected, expected approved", id="rejected"),
        pytest.param({"gate": "0" * 64}, "is of evidence 0000", id="other evidence"),
    ],
)
def test_deploy_without_an_approval_of_this_evidence_is_refused(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeploymentError, match=told):
        deploy(store, registry, first, make_approval(first).model_copy(update=changes))
    assert untouched(store, registry)


def test_deploy_approved_by_nobody_is_refused(store: LoopStore, registry: ModelRegistry, first: GateVerdict) -> None:
    with pytest.raises(DeploymentError, match="names nobody"):
        deploy(store, registry, first, make_approval(first, by=""))
    assert untouched(store, registry)


def test_deploy_with_everything_wrong_names_every_problem(
    store: LoopStore, registry: ModelRegistry, versions: list[str]
) -> None:
    gate = say_gate(store, "a", "reject")
    with pytest.raises(DeploymentError) as caught:
        deploy(store, registry, gate, Approval(subject="a", outcome="rejected", reasons=(), gate="0" * 64, by=""))
    assert len(caught.value.problems) == 4


def test_deploy_with_evidence_changed_after_the_approval_is_refused(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    better = make_scores(challenger=replace(PROMISE, value=0.99))
    with pytest.raises(DeploymentError, match="approval: is of evidence"):
        deploy(store, registry, first.model_copy(update={"scores": better}), make_approval(first))
    assert untouched(store, registry)


def test_deploy_with_an_approval_of_another_challenger_is_refused(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    other = say_gate(store, "b", "promote")
    with pytest.raises(DeploymentError, match="approval: is of evidence"):
        deploy(store, registry, first, make_approval(other))
    assert untouched(store, registry)


def test_deploy_of_a_challenger_that_is_not_registered_says_what_to_do(
    store: LoopStore, registry: ModelRegistry
) -> None:
    gate = say_gate(store, "unknown", "promote")
    with pytest.raises(DeploymentError, match="unknown is not registered; run register_model again"):
        deploy(store, registry, gate, make_approval(gate))


def test_deploy_on_evidence_against_another_champion_is_stale(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    """Two challengers were judged against version 1; the first to deploy wins."""
    late = say_gate(store, "c", "promote", champion_version="1")
    deploy(store, registry, second, make_approval(second))
    with pytest.raises(
        DeploymentError, match="champion is version 2, but the evidence is about version 1: it is stale"
    ):
        deploy(store, registry, late, make_approval(late))
    assert registry.aliased(CHAMPION) == "2"
    assert len(history(store)) == 2


def test_deploy_of_a_first_model_where_a_champion_appeared_is_stale(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    registry.set_alias(CHAMPION, "3")
    with pytest.raises(DeploymentError, match="stale"):
        deploy(store, registry, first, make_approval(first))
    assert history(store) == []


def test_deploy_run_again_after_its_version_was_rolled_back_is_refused(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    """A task that is cleared later must not bring a broken version back on evidence that is disproved."""
    deploy(store, registry, second, make_approval(second))
    rollback(store, registry, make_guard_verdict())
    before = history(store)
    with pytest.raises(
        DeploymentError, match="version 2 was deployed on this evidence before and is not live any more"
    ):
        deploy(store, registry, second, make_approval(second))
    assert registry.aliased(CHAMPION) == "1"
    assert history(store) == before


def test_deploy_of_files_that_were_changed_after_they_were_judged_is_refused(
    store: LoopStore, registry: ModelRegistry, versions: list[str]
) -> None:
    digest = registry.files_digest(run_id=str(registry.run_of("1")), version="1")
    gate = say_gate(store, "a", "promote", champion_version=None, files_digest=digest)
    model = Path(registry.client.get_model_version_download_uri("tiny", "1").removeprefix("file://")) / "model.skops"
    whole = model.read_bytes()
    model.write_bytes(whole + b"\n")
    with pytest.raises(DeploymentError, match=f"but {digest} was judged and approved: they were changed since"):
        deploy(store, registry, gate, make_approval(gate))
    assert untouched(store, registry)
    model.write_bytes(whole)
    manifest = manifest_of(deploy(store, registry, gate, make_approval(gate)))
    assert manifest["files_digest"] == history(store)[0].files_digest == digest


def test_deploy_while_the_alias_is_gone_stops_and_names_what_is_live(
    store: LoopStore, registry: ModelRegistry, second: GateVerdict
) -> None:
    registry.client.delete_registered_model_alias("tiny", CHAMPION)
    with pytest.raises(DeploymentError, match="Version 1 of model tiny is live"):
        deploy(store, registry, second, make_approval(second))
    assert len(history(store)) == 1


def test_deploy_where_only_a_row_of_the_future_is_newer_is_live_from_the_rows_before_it(
    store: LoopStore, registry: ModelRegistry, first: GateVerdict
) -> None:
    add_predictions(store, [0, 1])
    add_predictions(store, [(datetime.now(UTC) - DAY).days + 400], version="9")
    deploy(store, registry, first, make_approval(first))
    assert history(store)[0].live_from == DAY + timedelta(days=1)
