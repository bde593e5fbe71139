"""A person signs off the evidence that was shown, or the loop's policy does."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import create_autospec

import pytest
from airflow.providers.standard.exceptions import HITLTriggerEventError
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped, TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail
from feedback_loop.operators.approve import ApproveDeploymentOperator

from include.foundation.config.promotion_sections import Approver, Gate
from include.foundation.decisions import Approval, RegisteredVersion, latest, record
from include.foundation.store.loop_files import write_file
from tests.include.stages.training.challenger_builders import say_gate
from tests.plugins.operators.operator_builders import context, with_store


class TestApprove:
    @pytest.fixture
    def gate(self, store):
        return say_gate(store, "c1", "promote")

    def operator(self, store, gate, *, required=True, approvers=()):
        made = ApproveDeploymentOperator(
            task_id="approve",
            loop="wire",
            gate=gate.reference,
            policy=Gate(approval="required" if required else "auto", approval_hours=1, approvers=list(approvers)),
        )
        return with_store(made, store)

    def event(self, option):
        user = {"id": "u1", "name": "Ada"}
        return {
            "chosen_options": [option],
            "params_input": {},
            "responded_at": datetime.now(UTC),
            "responded_by_user": user,
        }

    def test_policy_approves_at_once_and_is_recorded(self, store, gate):
        reference = self.operator(store, gate, required=False).execute(context())
        approval = latest(store, Approval)
        assert reference == approval.reference
        assert approval.evidence == {"gate": gate.evidence_digest, "by": "policy: approval auto"}

    def test_person_approves_the_evidence_under_a_pseudonym(self, store, gate):
        self.operator(store, gate).execute_complete(context(), self.event("Approve"))
        approval = latest(store, Approval)
        assert approval.outcome == "approved"
        assert approval.gate == gate.evidence_digest
        assert "Ada" not in approval.by
        assert "u1" not in approval.by

    def test_rejection_is_recorded_and_skips_what_follows(self, store, gate):
        with DAG("d"):
            operator = self.operator(store, gate)
            operator >> EmptyOperator(task_id="deploy")
        inputs = context(task=operator)
        with pytest.raises(DownstreamTasksSkipped) as caught:
            operator.execute_complete(inputs, self.event("Reject"))
        assert caught.value.tasks == ["deploy"]
        assert latest(store, Approval).outcome == "rejected"

    def test_answer_without_a_person_is_no_approval(self, store, gate):
        with pytest.raises(AirflowFailException, match="needs an identity"):
            self.operator(store, gate).execute_complete(context(), self.event("Approve") | {"responded_by_user": None})
        assert latest(store, Approval) is None

    def test_time_out_fails_the_task_without_retry_and_approves_nothing(self, store, gate):
        with pytest.raises(AirflowFailException, match="Nobody answered within 1 hours; clear the task to ask again"):
            self.operator(store, gate).execute_complete(context(), {"error": "late", "error_type": "timeout"})
        assert latest(store, Approval) is None

    def test_event_of_another_error_is_retried(self, store, gate):
        with pytest.raises(HITLTriggerEventError):
            self.operator(store, gate).execute_complete(context(), {"error": "lost", "error_type": "unknown"})

    def test_person_is_asked_who_is_named_and_whoever_is_to_hear_of_it_is_told(self, store, gate, told, monkeypatch):
        told(store.loop)
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow")
        asked = create_autospec(upsert_hitl_detail)
        monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", asked)
        operator = self.operator(store, gate, approvers=[Approver(id="u1", name="Ada")])
        inputs = context(task=operator)
        inputs["ti"].id = "7"
        with pytest.raises(TaskAwaitingInput) as caught:
            operator.execute(inputs)
        assert caught.value.timeout == timedelta(hours=1)
        assert asked.call_args.kwargs["assigned_users"] == [{"id": "u1", "name": "Ada"}]
        assert asked.call_args.kwargs["defaults"] is None
        assert gate.evidence_digest in asked.call_args.kwargs["body"]
        (line,) = told()
        assert (line["event"], line["message"]) == ("approval", "A new champion waits 1 hours to be signed off.")
        assert line["url"] == ("http://airflow/dags/wire.some/runs/manual__1/tasks/some/required_actions?map_index=-1")
        assert "Ada" not in str(line)
        assert "u1" not in str(line)

    def test_whoever_may_answer_where_nobody_is_named(self, store, gate):
        assert self.operator(store, gate).assigned_users is None

    def test_policy_tells_nobody(self, store, gate, told):
        told(store.loop)
        self.operator(store, gate, required=False).execute(context())
        assert told() == []

    def test_asking_does_not_fail_though_nobody_can_be_told(self, store, gate, monkeypatch):
        monkeypatch.setattr(
            "airflow.providers.standard.operators.hitl.upsert_hitl_detail", create_autospec(upsert_hitl_detail)
        )
        operator = self.operator(store, gate)  # there is no loop file of this name
        inputs = context(task=operator)
        inputs["ti"].id = "7"
        with pytest.raises(TaskAwaitingInput):
            operator.execute(inputs)

    def test_page_shows_scores_reasons_and_the_digest(self, store, gate):
        from include.stages.gate.approval import evidence_page

        page = evidence_page(store, gate.reference)
        assert "0.900" in page
        assert "Said promote." in page
        assert gate.evidence_digest in page

    def test_page_shows_version_and_links_to_what_there_is(self, store, gate, monkeypatch):
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow/sub")
        extra = {"conn_type": "generic", "extra": {"tracking_uri": "http://mlflow:5000"}}
        monkeypatch.setenv("AIRFLOW_CONN_MLFLOW", json.dumps(extra))
        write_file(store, f"evaluations/c1-{gate.dataset}.html", b"")
        record(
            store, RegisteredVersion(subject="c1", outcome="registered", reasons=(), version="7", run_id=gate.run_id)
        )
        operator = self.operator(store, gate)
        inputs = context(task=operator)
        inputs["ti"].id = "7"
        monkeypatch.setattr(
            "airflow.providers.standard.operators.hitl.upsert_hitl_detail", create_autospec(upsert_hitl_detail)
        )
        with pytest.raises(TaskAwaitingInput):
            operator.execute(inputs)
        picture = f"http://airflow/sub/feedback-loop/wire/files/evaluations/c1-{gate.dataset}.html"
        assert f"[Champion and challenger side by side]({picture})" in operator.body
        assert f"[MLflow run](http://mlflow:5000/#/runs/{gate.run_id})" in operator.body
        assert "Model wire, version 7, is to replace no model." in operator.body
