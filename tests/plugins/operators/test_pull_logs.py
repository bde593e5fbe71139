"""One partition of a plan is pulled by one mapped task."""

from feedback_loop.operators.plan_pull import PlanPullOperator
from feedback_loop.operators.pull_logs import PullLogsOperator

from include.stages.logs.pulling import planned, report
from tests.builders import day
from tests.plugins.operators.operator_builders import context, with_store


def plan(store):
    return with_store(PlanPullOperator(task_id="plan", loop="wire"), store).execute(context())


def test_each_partition_is_pulled_once(store):
    for partition in plan(store):
        operator = PullLogsOperator(task_id="t", loop="wire", interval=day().key, partition=partition)
        assert with_store(operator, store).execute(context()) == {"partition": partition, "slices": 1}
    assert report(store, day()).rows == 10
    assert planned(store, *plan(store)) == []
