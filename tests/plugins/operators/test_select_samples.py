"""Rows are selected within the budget of the loop file or of the form."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.operators.select_samples import SelectSamplesOperator

from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day
from tests.plugins.operators.operator_builders import context, with_store


def test_select_samples_as_a_dry_run_asks_for_nothing(store):
    pull_logs(store, day(), KEY)
    operator = with_store(SelectSamplesOperator(task_id="t", loop="wire", interval=day().key), store)
    with pytest.raises(AirflowSkipException, match="dry_run"):
        operator.execute(context(dry_run=True))
    assert store.read("requests").num_rows == 0
    assert operator.execute(context(budget=3))["requests"] == 3
