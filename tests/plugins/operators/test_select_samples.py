"""Rows are selected within the budget of the loop file or of the form."""

from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
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


@pytest.mark.parametrize("connected", [True, False])
def test_versions_of_the_registry_vote_where_there_is_one(store, monkeypatch, connected):
    pull_logs(store, day(), KEY)
    found = []
    monkeypatch.setattr(
        "include.stages.selection.selecting.committee_of", lambda _, load: found.append(load(3)) or (None, ())
    )
    monkeypatch.setattr("include.foundation.models.judged_models.newest_models", lambda *given: [given[1:]])
    opened = Mock(return_value="registry") if connected else Mock(side_effect=AirflowNotFoundException)
    monkeypatch.setattr(ModelRegistryHook, "get_conn", opened)
    with_store(SelectSamplesOperator(task_id="t", loop="wire", interval=day().key), store).execute(context())
    assert found == [[("registry", 3)]] if connected else found == [[]]
