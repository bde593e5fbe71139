"""Operators translate: errors into task states, decisions into branches, answers into approvals."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DownstreamTasksSkipped, TaskDeferred
from airflow.triggers.base import TriggerEvent
from feedback_loop.assets import loop_assets
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.operators.approve import ApproveDeploymentOperator
from feedback_loop.operators.collect_annotations import CollectAnnotationsOperator
from feedback_loop.operators.decide_retrain import DecideRetrainOperator
from feedback_loop.operators.deploy import DeployOperator
from feedback_loop.operators.detect_drift import DetectDriftOperator
from feedback_loop.operators.plan_pull import PlanPullOperator
from feedback_loop.operators.publish_dataset import PublishDatasetOperator
from feedback_loop.operators.pull_feedback import PullFeedbackOperator
from feedback_loop.operators.pull_logs import PullLogsOperator
from feedback_loop.operators.select_samples import SelectSamplesOperator
from feedback_loop.operators.validate_logs import ValidateLogsOperator
from feedback_loop.triggers.answers_trigger import AnswersTrigger
from feedback_loop.verdicts import verdicts

from include.foundation.decisions import Approval, RetrainPlan, latest, record
from include.foundation.errors import (
    ConfigError,
    ContractError,
    DataQualityError,
    DeploymentError,
    LabelingError,
    NothingToDo,
    StoreError,
    TrainingError,
)
from include.foundation.intervals import Interval
from include.foundation.lines.sources import Access
from include.foundation.lines.values import pseudonym
from include.foundation.statistics.estimates import Estimate
from include.stages.labeling.backends import backend_for
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import planned, pull_logs, report
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day, line, make_store, write_lines
from tests.decision_builders import make_dataset_decision, make_drift_verdict, make_gate_verdict, make_scores


@pytest.fixture
def store(tmp_path):
    found = make_store(tmp_path, selection={"budget": 6, "diversify": "none"})
    write_lines(tmp_path, [line(n) for n in range(10)])
    return found


def with_store(operator, store):
    """Give an operator a hook that opens this store."""
    operator.hook = Mock(spec=LoopStoreHook, pseudonym_key=KEY)
    operator.hook.get_conn.return_value = store
    return operator


def context(**params):
    run = Mock(data_interval_start=day().start, data_interval_end=day().end, run_after=day().end)
    return {"params": params, "dag_run": run, "ti": Mock(try_number=1), "outlet_events": {}}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(NothingToDo("none"), AirflowSkipException, id="nothing-to-do"),
        *(pytest.param(kind("wrong"), AirflowFailException, id=kind.__name__)
          for kind in (ConfigError, ContractError, DataQualityError, DeploymentError, TrainingError)),
        *(pytest.param(kind("busy"), kind, id=kind.__name__) for kind in (StoreError, LabelingError)),
    ],
)  # fmt: skip
def test_error_ends_a_task_as_the_table_says(error, state):
    with pytest.raises(state, match=str(error)), verdicts():
        raise error


class TestPullLogs:
    def plan(self, store, inputs):
        return with_store(PlanPullOperator(task_id="t", loop="wire"), store).execute(inputs)

    def test_run_with_a_data_interval_pulls_it_in_mapped_partitions(self, store):
        inputs = context()
        partitions = self.plan(store, inputs)
        inputs["ti"].xcom_push.assert_called_once_with("interval", day().key)
        for partition in partitions:
            operator = PullLogsOperator(task_id="t", loop="wire", interval=day().key, partition=partition)
            assert with_store(operator, store).execute(inputs) == {"partition": partition, "slices": 1}
        assert report(store, day()).rows == 10
        assert planned(store, *self.plan(store, inputs)) == []

    def test_form_takes_precedence_over_the_interval(self, store):
        inputs = context(start="2026-03-01T00:00:00Z", end="2026-03-02T00:00:00Z")
        self.plan(store, inputs)
        assert inputs["ti"].xcom_push.call_args.args[1].startswith("2026-03-01")

    def test_run_by_hand_without_dates_pulls_the_last_complete_interval(self, store):
        inputs = context()
        inputs["dag_run"] = Mock(
            data_interval_start=None, data_interval_end=None, run_after=datetime(2026, 3, 11, 15, 30, tzinfo=UTC)
        )
        self.plan(store, inputs)
        inputs["ti"].xcom_push.assert_called_once_with("interval", day().key)

    def test_half_a_form_fails_without_retry(self, store):
        with pytest.raises(AirflowFailException, match="expected ISO 8601"):
            self.plan(store, context(start="2026-03-01"))


class TestPullFeedback:
    SIGNALS = ({"feedback_id": "f1", "trace_id": "t1"}, {"feedback_id": "f2", "trace_id": "gone"},
               {"feedback_id": "f3", "trace_id": "t3", "kind": "mood"},
               {"feedback_id": "f4", "trace_id": "t4", "consent": False})  # fmt: skip

    def pull(self, store):
        operator = PullFeedbackOperator(task_id="t", loop="wire", interval=day().key)
        return with_store(operator, store).execute(context())

    def store(self, folder):
        said = {"ts": day().start.isoformat(), "kind": "explicit", "signal": "report", "user_id": "ada"}
        write_lines(folder, [json.dumps(said | changes) for changes in self.SIGNALS], "../feedback/f.jsonl")
        return make_store(folder, feedback={"uri": str(folder / "feedback")})

    def test_signals_are_stored_under_a_pseudonym_and_counted(self, tmp_path):
        store = self.store(tmp_path)
        assert self.pull(store) == {
            "rows": 2, "refused": 1, "without_consent": 1, "duplicates": 0, "held_back": 0, "orphans": 2,
        }  # fmt: skip
        kept = store.read("feedback").to_pylist()
        assert {row["feedback_id"] for row in kept} == {"f1", "f2"}
        assert {row["user_key"] for row in kept} == {pseudonym("ada", KEY)}
        assert store.read("quarantine").column("reason_code").to_pylist() == ["unknown_kind"]

    def test_run_again_returns_the_same_and_changes_nothing(self, tmp_path):
        store = self.store(tmp_path)
        first = self.pull(store)
        before = [store.read(name) for name in ("feedback", "quarantine")]
        assert self.pull(store) == first
        assert [store.read(name) for name in ("feedback", "quarantine")] == before

    def test_signal_after_its_prediction_is_no_orphan(self, tmp_path):
        store = self.store(tmp_path)
        write_lines(tmp_path, [line(n) for n in range(5)])
        pull_logs(store, day(), KEY)
        assert self.pull(store)["orphans"] == 1

    def test_loop_without_feedback_has_none(self, store):
        assert set(self.pull(store).values()) == {0}

    def test_source_that_is_not_there_fails_without_retry(self, tmp_path):
        store = make_store(tmp_path, feedback={"uri": str(tmp_path / "nowhere")})
        with pytest.raises(AirflowFailException, match="nowhere"):
            self.pull(store)

    def test_source_is_opened_through_its_own_connection(self, tmp_path, monkeypatch):
        """Feedback may lie elsewhere than the logs: the operator must not open it as one of them."""
        opened = []
        monkeypatch.setattr(LogSourceHook, "get_conn", lambda hook: opened.append(hook.source) or Access({}))
        store = self.store(tmp_path)
        self.pull(store)
        assert opened == [store.loop.feedback]


@pytest.mark.parametrize(
    ("outcome", "route", "events"),
    [("alarm", "retrain", 1), ("drift", "retrain", 0), *(("alarm", route, 0) for route in ("fix_data", "watch"))],
)
def test_detect_drift_wakes_retrain_on_an_alarm_that_asks_for_it_and_on_nothing_else(
    store, monkeypatch, outcome, route, events
):
    verdict = make_drift_verdict(day().key, outcome, reasons=("r",), route=route, flagged=False)
    monkeypatch.setattr("include.stages.drift.detection.detect_drift", lambda *_: verdict)
    assets, event = loop_assets("wire"), Mock()
    inputs = context() | {"outlet_events": {assets.drift_alarm: event}}
    operator = with_store(DetectDriftOperator(task_id="t", loop="wire", interval=day().key), store)
    for _ in range(2):  # a retry tells it again: the attempt before may have been killed
        assert operator.execute(inputs) == verdict.reference
    assert event.add.call_args_list == [((assets.drift,),)] * 2 * events


def test_detect_drift_of_an_hour_judges_the_last_whole_day_and_wakes_nobody_again(store, monkeypatch):
    verdict = make_drift_verdict(day().key, "alarm", route="retrain", flagged=False)
    windows = []
    monkeypatch.setattr(
        "include.stages.drift.detection.detect_drift", lambda _, window: windows.append(window) or verdict
    )
    events = []
    for hours in (1, 24, 25, 30):
        event = Mock()
        start = day().start + timedelta(hours=hours - 1)
        operator = DetectDriftOperator(
            task_id="t", loop="wire", interval=Interval(start, start + timedelta(hours=1)).key
        )
        with_store(operator, store).execute(context() | {"outlet_events": {loop_assets("wire").drift_alarm: event}})
        events.append(event.add.call_count)
    assert windows == [day(-1), day(), day(), day()]
    assert events == [0, 1, 0, 0]


def test_validate_logs_without_rows_skips(store):
    operator = with_store(ValidateLogsOperator(task_id="t", loop="wire"), store)
    operator.interval = day(5).key
    with pytest.raises(AirflowSkipException, match="No predictions"):
        operator.execute(context())


def test_select_samples_as_a_dry_run_asks_for_nothing(store):
    pull_logs(store, day(), KEY)
    operator = with_store(SelectSamplesOperator(task_id="t", loop="wire", interval=day().key), store)
    with pytest.raises(AirflowSkipException, match="dry_run"):
        operator.execute(context(dry_run=True))
    assert store.read("requests").num_rows == 0
    assert operator.execute(context(budget=3))["requests"] == 3


class TestCollectAnnotations:
    @pytest.fixture
    def operator(self, store, monkeypatch):
        pull_logs(store, day(), KEY)
        select_samples(store, day())
        push_requests(store, backend_for(store.loop, None))
        monkeypatch.setattr(LabelingHook, "get_conn", lambda _: backend_for(store.loop, None))
        return with_store(CollectAnnotationsOperator(task_id="t", loop="wire"), store)

    def test_open_requests_defer_the_task(self, operator):
        with pytest.raises(TaskDeferred) as caught:
            operator.execute(context(wait=True))
        path, arguments = caught.value.trigger.serialize()
        assert path == "feedback_loop.triggers.answers_trigger.AnswersTrigger"
        assert AnswersTrigger(**arguments).poll_seconds == operator.hook.get_conn().loop.labeling.poll_seconds

    def test_without_waiting_it_collects_what_is_there(self, operator):
        assert operator.execute(context(wait=False)) == {"new": 0, "refused": 0}

    @pytest.mark.parametrize("event", [None, {}, {"status": "lost"}], ids=["none", "empty", "unknown"])
    def test_event_that_does_not_say_complete_fails_instead_of_succeeding(self, operator, event):
        with pytest.raises(AirflowFailException, match="expected status 'complete'"):
            operator.execute_complete(context(), event)

    def test_trigger_fires_once_the_wait_is_over(self):
        trigger = AnswersTrigger("wire", "feedback_store", 0.01)
        looks = iter(
            [
                Mock(complete=False, answered=0, open=2, reason="r"),
                Mock(complete=True, reason="quorum: 2 of 2 answered"),
            ]
        )
        trigger._look = lambda: next(looks)

        async def listen():
            return [event async for event in trigger.run()]

        assert asyncio.run(listen()) == [TriggerEvent({"status": "complete", "reason": "quorum: 2 of 2 answered"})]


def test_publish_dataset_on_a_retry_tells_who_waits(store):
    """The attempt before may have published and been killed: the event must not be lost."""
    published = record(store, make_dataset_decision())
    operator = with_store(PublishDatasetOperator(task_id="t", loop="wire"), store)
    with pytest.raises(AirflowSkipException):
        operator.execute(context())
    again = context()
    again["ti"].try_number = 2
    assert operator.execute(again) == published.reference


def test_decide_retrain_without_labels_skips_with_the_reason_and_records_it(store):
    operator = with_store(DecideRetrainOperator(task_id="t", loop="wire"), store)
    with pytest.raises(AirflowSkipException, match="No dataset was published"):
        operator.execute(context())
    assert latest(store, RetrainPlan).outcome == "no"


def test_deploy_on_the_word_of_an_xcom_alone_is_refused(store):
    forged = {"kind": "gate", "subject": "c", "outcome": "promote", "evidence_digest": "0" * 64}
    operator = with_store(DeployOperator(task_id="t", loop="wire", decision=forged, approval=forged), store)
    with pytest.raises(AirflowFailException, match="No recorded decision"):
        operator.execute(context())


class TestApprove:
    @pytest.fixture
    def gate(self, store):
        scores = make_scores(challenger=Estimate(0.9, 0.8, 0.95, 40, 40.0))
        return record(store, make_gate_verdict("c1", reasons=("It is better.",), scores=scores))

    def operator(self, store, gate, *, required=True):
        made = ApproveDeploymentOperator(
            task_id="approve", loop="wire", gate=gate.reference, required=required, approval_hours=1
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
        found = latest(store, Approval)
        assert reference == found.reference
        assert found.evidence == {"gate": gate.evidence_digest, "by": "policy: approval auto"}

    def test_person_approves_the_evidence_under_a_pseudonym(self, store, gate):
        self.operator(store, gate).execute_complete(context(), self.event("Approve"))
        found = latest(store, Approval)
        assert found.outcome == "approved"
        assert found.gate == gate.evidence_digest
        assert "Ada" not in found.by
        assert "u1" not in found.by

    def test_rejection_is_recorded_and_skips_what_follows(self, store, gate):
        with DAG("d"):
            operator = self.operator(store, gate)
            operator >> EmptyOperator(task_id="deploy")
        inputs = {**context(), "task": operator}
        inputs["ti"].map_index = -1
        with pytest.raises(DownstreamTasksSkipped) as caught:
            operator.execute_complete(inputs, self.event("Reject"))
        assert caught.value.tasks == ["deploy"]
        assert latest(store, Approval).outcome == "rejected"

    def test_answer_without_a_person_is_no_approval(self, store, gate):
        with pytest.raises(AirflowFailException, match="needs an identity"):
            self.operator(store, gate).execute_complete(context(), self.event("Approve") | {"responded_by_user": None})
        assert latest(store, Approval) is None

    def test_time_out_fails_the_task_and_approves_nothing(self, store, gate):
        with pytest.raises(Exception, match="timeout"):
            self.operator(store, gate).execute_complete(context(), {"error": "late", "error_type": "timeout"})
        assert latest(store, Approval) is None

    def test_page_shows_scores_reasons_and_the_digest(self, store, gate):
        from include.stages.gate.approval import evidence_page

        page = evidence_page(store, gate.reference)
        assert "0.900" in page
        assert "It is better." in page
        assert gate.evidence_digest in page
