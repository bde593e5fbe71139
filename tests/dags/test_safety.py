"""Properties that keep an unjudged or unapproved model from going live, and people from being asked twice."""

import ast
import itertools
import re
import subprocess
import sys
from datetime import timedelta

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import TriggerRule

from include.foundation.config.loading import loop_named
from tests.conftest import ROOT

OPERATORS = sorted((ROOT / "plugins" / "feedback_loop" / "operators").glob("*.py"))
OWN_WORDS = {"rollback", "gate"}  # also the names of an event and of an argument
RULES = {
    "write_release_notes": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    "maintain_store": TriggerRule.NONE_FAILED,
}
CONFIGURATIONS = list(itertools.product(["auto", "required"], ["superior", "non_inferior"], ["files", "label_studio"]))


@pytest.fixture(scope="module")
def dags():
    return DagBag(dag_folder=ROOT / "dags").dags


def ancestors(dag, task_id):
    return dag.get_task(task_id).get_flat_relative_ids(upstream=True)


@pytest.mark.parametrize("loop", ["newswire", "digits"])
def test_deploy_has_evaluation_gate_and_approval_among_its_ancestors(dags, loop):
    """Nothing may go live that was not measured, judged and signed off."""
    assert {"evaluate", "register_model", "gate", "approve"} <= ancestors(dags[f"{loop}.retrain"], "deploy")


def test_no_configuration_takes_the_gate_or_the_approval_out_of_the_way(tmp_path):
    """The same, for every way a loop file can set the gate: what matters must not depend on configuration."""
    base = yaml.safe_load((ROOT / "include" / "loops" / "newswire.yaml").read_text())
    for number, (approval, rule, backend) in enumerate(CONFIGURATIONS):
        name = f"loop{number}"
        gate = {**base["gate"], "approval": approval, "rule": rule, "margin": 0.02}
        loop = {**base, "name": name, "gate": gate, "labeling": {**base["labeling"], "backend": backend}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(loop))
    code = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        "for dag in DagBag(dag_folder='dags').dags.values():\n"
        "    if dag.dag_id.endswith('.retrain'):\n"
        "        deploy = dag.get_task('deploy')\n"
        "        print(dag.dag_id, deploy.trigger_rule.value, *sorted(deploy.get_flat_relative_ids(upstream=True)))\n"
    )
    import os

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FEEDBACK_LOOP_LOOPS_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("loop")]
    assert len(lines) == len(CONFIGURATIONS)
    for line in lines:
        assert line[1] == "all_success"
        assert {"evaluate", "gate", "approve"} <= set(line[2:])


@pytest.mark.parametrize("loop", ["newswire", "digits"])
def test_only_release_notes_and_maintenance_run_when_something_before_them_was_skipped(dags, loop):
    for stage in ("observe", "label", "retrain", "guard"):
        for task in dags[f"{loop}.{stage}"].tasks:
            assert task.trigger_rule == RULES.get(task.task_id, TriggerRule.ALL_SUCCESS), task.task_id


@pytest.mark.parametrize("loop", ["newswire", "digits"])
def test_tasks_that_push_to_people_share_a_pool_of_one(dags, loop):
    assert dags[f"{loop}.observe"].get_task("push_to_labeling").pool == "labeling"
    assert dags[f"{loop}.retrain"].get_task("request_evidence").pool == "labeling"
    assert dags[f"{loop}.guard"].get_task("request_comparison").pool == "labeling"


LONG = {
    "plan_pull", "pull_logs", "pull_feedback", "pull_shadow", "detect_drift", "select_samples", "retrain", "evaluate",
    "request_evidence", "check_store", "maintain_store", "request_comparison",
}  # fmt: skip


@pytest.mark.parametrize("loop", ["newswire", "digits"])
def test_every_task_is_stopped_after_its_time_and_tells_who_is_to_hear_when_it_fails(dags, loop):
    configuration = loop_named(loop)
    for stage in ("observe", "label", "retrain", "guard"):
        for task in dags[f"{loop}.{stage}"].tasks:
            limits = configuration.tasks
            minutes = limits.long_timeout_minutes if task.task_id in LONG else limits.timeout_minutes
            assert task.execution_timeout == timedelta(minutes=minutes), task.task_id
            (callback,) = task.on_failure_callback
            assert (callback.loop, callback.event) == (loop, "failure"), task.task_id


def test_no_long_wait_is_stopped_by_the_time_a_task_may_work(dags):
    """A person's answer is bounded by its own time-out, which Airflow keeps apart only if both are set."""
    approve = dags["newswire.retrain"].get_task("approve")
    assert approve.response_timeout == timedelta(hours=loop_named("newswire").gate.approval_hours)
    assert approve.execution_timeout < approve.response_timeout


@pytest.mark.parametrize("path", OPERATORS, ids=lambda path: path.stem)
def test_no_operator_knows_the_id_of_a_task(dags, path):
    ids = {task.task_id for dag in dags.values() for task in dag.tasks} - OWN_WORDS
    texts = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
    assert not {text for text in texts if isinstance(text, str) and set(re.findall(r"'(\w+)'", text) or [text]) & ids}


def test_assets_join_the_dags_into_a_ring(dags):
    """Every DAG emits what another waits for, and observe reads what retrain and guard emit."""
    emitted = {
        stage: {asset.name for task in dags[f"newswire.{stage}"].tasks for asset in task.outlets}
        for stage in ("observe", "label", "retrain", "guard")
    }
    read = {
        stage: {asset.name for task in dags[f"newswire.{stage}"].tasks for asset in task.inlets}
        for stage in ("observe", "label", "retrain", "guard")
    }
    assert "newswire/label_requests" in emitted["observe"] & read["label"]
    assert "newswire/dataset" in emitted["label"] & read["retrain"]
    assert "newswire/model" in emitted["retrain"] & read["guard"] & read["observe"]
    assert "newswire/model" in emitted["guard"]
    assert "newswire/label_requests" in emitted["retrain"]


def test_store_is_maintained_only_where_its_check_found_no_damage(dags):
    maintained = dags["newswire.guard"].get_task("maintain_store")
    assert maintained.upstream_task_ids == {"check_store"}
    assert maintained.trigger_rule == TriggerRule.NONE_FAILED  # the check is skipped while it was done within the day
