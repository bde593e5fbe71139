"""A canary goes on when the guard says so, by a task that only loops with *canary* have."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.canaries import canary_tasks
from feedback_loop.operators.advance_canary import AdvanceCanaryOperator
from feedback_loop.operators.rollback import RollbackOperator

from include.foundation.decisions import record
from include.foundation.store.ledgers.deployments import canary, live
from include.stages.deployment.canaries import roll_out
from tests.builders import make_loop
from tests.decision_builders import make_approval, make_guard_verdict
from tests.include.stages.deployment.test_canaries import canary_store, second  # noqa: F401 - fixtures
from tests.plugins.operators.operator_builders import context, with_store


@pytest.fixture
def begun(canary_store, registry, second):  # noqa: F811
    roll_out(canary_store, registry, second, make_approval(second))
    return canary_store


def run(kind, store, registry, outcome, **params):
    step = canary(store)
    verdict = record(
        store,
        make_guard_verdict("2", outcome, deployment=step.first.evidence_digest, share=step.share, predecessor="1"),
    )
    operator = kind(task_id="t", loop="tiny", decision=verdict.reference)
    return with_store(operator, store, registry).execute(context(**params))


def test_it_goes_on_step_by_step(begun, registry):
    assert run(AdvanceCanaryOperator, begun, registry, "advance")["share"] == 0.5
    assert run(AdvanceCanaryOperator, begun, registry, "advance") == {"version": "2", "live": "1", "share": 1.0}
    assert (live(begun).model_version, registry.aliased("champion")) == ("2", "2")


@pytest.mark.parametrize(("outcome", "params"), [("no_data", {}), ("broken", {}), ("advance", {"dry_run": True})])
def test_otherwise_it_stays(begun, registry, outcome, params):
    with pytest.raises(AirflowSkipException):
        run(AdvanceCanaryOperator, begun, registry, outcome, **params)
    assert canary(begun).share == 0.1


def test_broken_one_is_stopped_and_people_hear_of_it(begun, registry, told):
    told(begun.loop)
    assert run(RollbackOperator, begun, registry, "broken")["version"] == "1"
    assert canary(begun) is None
    assert told()[0]["message"].startswith("STOPPED: version 2 serves nobody any more.")


def test_only_a_loop_with_canaries_has_the_task(tmp_path):
    assert canary_tasks(make_loop(tmp_path), {}) == []
    assert [task.task_id for task in canary_tasks(make_loop(tmp_path, deploy={"strategy": "canary"}), {})] == [
        "advance_canary"
    ]
