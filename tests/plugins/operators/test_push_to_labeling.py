"""What was selected is pushed once; nothing open skips the task."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.push_to_labeling import PushToLabelingOperator

from include.stages.labeling.backends import backend_for
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day
from tests.plugins.operators.operator_builders import context, with_store


@pytest.fixture
def push(store, monkeypatch):
    monkeypatch.setattr(LabelingHook, "get_conn", lambda _: backend_for(store.loop, None))
    return lambda **given: with_store(PushToLabelingOperator(task_id="t", loop="wire", **given), store).execute(
        context()
    )


def test_requests_are_pushed_once(store, push):
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    assert push() == {"asked": 6, "pushed": 6, "already_there": 0, "batch": day().key}
    assert push() == {"asked": 0, "pushed": 0, "already_there": 0, "batch": None}


def test_nothing_open_skips(push):
    with pytest.raises(AirflowSkipException, match="No request is open"):
        push()


def test_where_nothing_is_new_nobody_is_woken_again(store, push):
    pull_logs(store, day(), KEY)
    select_samples(store, day())
    assert push(only_new=True)["pushed"] == 6
    with pytest.raises(AirflowSkipException, match="No request is left to push"):
        push(only_new=True)
