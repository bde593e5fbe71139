"""The store is maintained once a day, whatever else the guard finds."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from feedback_loop.operators.maintain_store import MaintainStoreOperator

from include.foundation.decisions import record
from tests.decision_builders import Note
from tests.plugins.operators.operator_builders import context, with_store


class TestMaintainStore:
    def maintain(self, store):
        return with_store(MaintainStoreOperator(task_id="t", loop="wire"), store).execute(context())

    def test_says_what_was_merged_and_deleted(self, store):
        for number in range(40):
            record(store, Note(subject=f"{number}", outcome="yes", reasons=(), number=number))
        assert self.maintain(store) == {"merged": 0, "files": 0, "log_entries": 0, "left_behind": 0}

    def test_skips_if_it_was_done_today(self, store):
        self.maintain(store)
        with pytest.raises(AirflowSkipException, match="once a day is enough"):
            self.maintain(store)
