"""A promoted challenger goes through the environments before production, each but the first after an approval."""

import json
from itertools import pairwise

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.dag_docs import parsed
from feedback_loop.operators.approve import ApproveDeploymentOperator
from feedback_loop.operators.deliver import DeliverOperator

from include.foundation.config.promotion_sections import Gate
from include.foundation.decisions import Approval, latest
from tests.builders import make_loop
from tests.include.stages.training.challenger_builders import (
    make_label_store,
    make_text_loop,
    register_challengers,
    say_gate,
)
from tests.plugins.operators.operator_builders import FORGED, context, with_store, write_loop_file


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "deployments").mkdir()
    return tmp_path / "deployments"


@pytest.fixture
def store(tmp_path, repository):
    gitops = {"repository": str(repository), "before_production": ["dev", "staging"]}
    return make_label_store(tmp_path, make_text_loop(deploy={"gitops": gitops}))


@pytest.fixture
def gate(store, registry, estimator):
    register_challengers(registry, store, estimator, "a")
    return say_gate(store, "a", "promote", champion_version=None)


def deliver(store, registry, decision, environment, approval=None):
    operator = DeliverOperator(task_id="t", loop="tiny", decision=decision, environment=environment, approval=approval)
    return with_store(operator, store, registry).execute(context())


def approve(store, gate, environment):
    """Let the loop's policy approve, and return the reference."""
    operator = ApproveDeploymentOperator(
        task_id="t", loop="tiny", gate=gate.reference, policy=Gate(approval="auto"), environment=environment
    )
    return with_store(operator, store).execute(context())


def test_environments_are_to_serve_it_one_after_the_other(store, registry, gate, repository):
    first = deliver(store, registry, gate.reference, "dev")
    assert first == {"environment": "dev", "version": "1"}
    assert deliver(store, registry, gate.reference, "dev") == first
    approval = approve(store, gate, "staging")
    assert latest(store, Approval).subject == "a in staging"
    deliver(store, registry, gate.reference, "staging", approval)
    versions = {path.parent.name: json.loads(path.read_text())["version"] for path in repository.glob("*/*.json")}
    assert versions == {"dev": "1", "staging": "1"}
    assert registry.aliased("champion") is None


def test_without_an_approval_or_with_another_environments_it_fails_without_retry(store, registry, gate, repository):
    for approval in (None, approve(store, gate, None), approve(store, gate, "dev"), FORGED):
        with pytest.raises(AirflowFailException):
            deliver(store, registry, gate.reference, "staging", approval)
    assert list(repository.iterdir()) == []


def test_dag_of_a_loop_with_environments_leads_through_them(tmp_path, monkeypatch):
    gitops = {"repository": str(tmp_path), "before_production": ["dev", "pre-prod"]}
    write_loop_file(tmp_path / "loops", make_loop(tmp_path, deploy={"gitops": gitops}), [])
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    dag = parsed()[0]["wire.retrain"]
    path = [
        "gate",
        "deliver_to_dev",
        "approve_pre_prod",
        "deliver_to_pre_prod",
        "approve",
        "deploy",
        "write_release_notes",
    ]
    for before, after in pairwise(path):
        assert after in dag.get_task(before).downstream_task_ids
    assert dag.get_task("gate").next_tasks["promote"] == ["deliver_to_dev", "write_release_notes"]
    assert dag.get_task("approve_pre_prod").environment == "pre-prod"
