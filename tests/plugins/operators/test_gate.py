"""A verdict leads to the tasks that the DAG named for it, whatever they are called."""

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped
from feedback_loop.operators.gate import GateOperator

from include.foundation.decisions import GateVerdict, LiveComparison, latest, record
from include.stages.evaluation import live_requests
from tests.include.stages.gate.verdict_builders import first_measured, measured, multiset
from tests.plugins.operators.operator_builders import context, with_store

EVALUATIONS = {
    "promote": first_measured(0.7),
    "label_more": measured(disagreement=multiset(6, 4)),
    "reject": first_measured(0.1),
}


@pytest.fixture
def judge(labeled):
    def run(evaluation):
        with DAG("d") as dag:
            gate = GateOperator(task_id="judge", loop="tiny", decision=record(labeled, evaluation).reference)
            sign, ask, tell = (EmptyOperator(task_id=name) for name in ("sign", "ask", "tell"))
            gate.lead_to(promote=sign, label_more=ask, always=tell)
        inputs = context(task=gate)
        inputs["ti"].task, inputs["dag"] = gate, dag
        with pytest.raises(DownstreamTasksSkipped) as caught:
            with_store(gate, labeled).execute(inputs)
        return inputs["ti"], {task if isinstance(task, str) else task[0] for task in caught.value.tasks}

    return run


@pytest.mark.parametrize(
    ("outcome", "skipped"), [("promote", {"ask"}), ("label_more", {"sign"}), ("reject", {"sign", "ask"})]
)
def test_verdict_skips_what_does_not_follow_it(judge, labeled, outcome, skipped):
    ti, tasks = judge(EVALUATIONS[outcome])
    verdict = latest(labeled, GateVerdict)
    assert (verdict.outcome, tasks) == (outcome, skipped)
    ti.xcom_push.assert_any_call(key="return_value", value=verdict.reference)


def test_challenger_that_waits_for_live_requests_leads_to_the_notes_only(judge, labeled, monkeypatch):
    told = LiveComparison(
        subject="k1", outcome="waiting", reasons=(), champion="1", challenger="2", requests=0, needed=9
    )
    monkeypatch.setattr(live_requests, "live_comparison", lambda *_: record(labeled, told))
    _, tasks = judge(measured(disagreement=multiset(60, 5)))
    assert (latest(labeled, GateVerdict).outcome, tasks) == ("await_live", {"sign", "ask"})


def test_tasks_it_leads_to_are_its_successors():
    with DAG("d"):
        gate = GateOperator(task_id="judge", loop="tiny", decision={})
        gate.lead_to(**{name: EmptyOperator(task_id=name) for name in ("promote", "label_more", "always")})
    assert gate.downstream_task_ids == {"promote", "label_more", "always"}
