"""Answers are waited for without a worker, and taken in once."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.collect_annotations import CollectAnnotationsOperator
from feedback_loop.triggers.answers_trigger import AnswersTrigger, reminder

from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import Progress
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import KEY, day
from tests.plugins.operators.operator_builders import context, with_store


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
        assert AnswersTrigger(**arguments).poll_seconds == 7
        assert abs(datetime.fromisoformat(arguments["since"]) - datetime.now(UTC)) < timedelta(hours=1)

    def test_without_waiting_it_collects_what_is_there(self, operator):
        assert operator.execute(context(wait=False)) == {"new": 0, "refused": 0, "corrections": 0}

    @pytest.mark.parametrize("event", [None, {}, {"status": "lost"}], ids=["none", "empty", "unknown"])
    def test_event_that_does_not_say_complete_fails_instead_of_succeeding(self, operator, event):
        with pytest.raises(AirflowFailException, match="expected status 'complete'"):
            operator.execute_complete(context(), event)

    def test_wait_has_no_time_out_of_its_own(self, operator):
        """The deadline is the trigger's to see; the trigger knows when the wait began, so that it ends."""
        with pytest.raises(TaskDeferred) as caught:
            operator.execute(context(wait=True))
        assert caught.value.timeout is None

    def test_passed_deadline_is_told_once(self, operator, store, told):
        told(store.loop)
        rows = store.read("requests").to_pylist()
        early = [row | {"pushed_at": row["pushed_at"] - timedelta(hours=100)} for row in rows]
        store.update_rows("requests", rows_of(store.loop, "requests", early))
        for _ in range(2):
            operator.execute(context(wait=True))
        assert [line["event"] for line in told()] == ["label_deadline"]
        assert "72 hours passed, 0 of 6 answered" in told()[0]["message"]

    def test_people_are_reminded_once_and_the_wait_goes_on(self, operator, store, told):
        told(store.loop)
        with pytest.raises(TaskDeferred) as caught:
            operator.execute(context(wait=True))
        _, arguments = caught.value.trigger.serialize()
        waited = datetime.fromisoformat(arguments["remind_at"]) - datetime.fromisoformat(arguments["since"])
        assert waited == timedelta(hours=5)
        event = reminder(Progress(6, 2, complete=False, reason="quorum"), arguments["since"])
        for _ in range(2):
            with pytest.raises(TaskDeferred) as again:
                operator.execute_complete(context(), event)
        assert again.value.trigger.serialize()[1] == arguments | {"remind_at": None}
        assert [line["event"] for line in told()] == ["label_reminder"]
        assert told()[0]["message"] == "People are waited for: 4 of 6 open requests are not answered in full."

    def test_end_of_a_wait_before_the_deadline_is_not_told(self, operator, store, told):
        told(store.loop)
        operator.execute_complete(context(), {"status": "complete", "reason": "quorum", "passed_deadline": None})
        assert told() == []
