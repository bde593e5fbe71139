"""A task links to the page that it wrote, and to none where it wrote none."""

from unittest.mock import Mock

import pytest
from airflow.sdk.types import TaskInstanceKey
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.operators.detect_drift import DetectDriftOperator
from feedback_loop.operators.validate_labels import ValidateLabelsOperator
from feedback_loop.operators.validate_logs import ValidateLogsOperator
from feedback_loop.operators.write_release_notes import WriteReleaseNotesOperator

from include.foundation.decisions import record
from include.foundation.errors import DataQualityError, StoreError
from include.foundation.quality.expectations import SuiteResult
from include.foundation.store.loop_files import write_file
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines
from tests.decision_builders import make_gate_verdict

KEY_OF_TASK = Mock(spec=TaskInstanceKey)


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path)


def with_store(operator, store):
    operator.hook = Mock(spec=LoopStoreHook)
    operator.hook.get_conn.return_value = store
    return operator


def link_of(operator):
    (link,) = operator.operator_extra_links
    return link.get_link(operator, ti_key=KEY_OF_TASK)


def file_behind(link, store):
    """Return the file that our application serves at a link, as a path relative to the loop's files."""
    assert not link.startswith("/")  # relative to the base of the UI, which may lie under a sub-path
    place = f"feedback-loop/{store.loop.name}/files/"
    assert link.startswith(place)
    return link.removeprefix(place)


class TestDriftVerdict:
    def operator(self, store, interval):
        return with_store(DetectDriftOperator(task_id="t", loop="wire", interval=interval), store)

    def test_verdict_that_flagged_something_is_linked(self, store):
        write_file(store, "drift/20260310T0000-20260311T0000.html", "page")
        assert file_behind(link_of(self.operator(store, day().key)), store) == "drift/20260310T0000-20260311T0000.html"

    def test_hourly_run_links_to_the_page_of_its_whole_day(self, store):
        write_file(store, "drift/20260310T0000-20260311T0000.html", "page")
        hour = "2026-03-11T09:00:00+00:00/2026-03-11T10:00:00+00:00"
        assert link_of(self.operator(store, hour)).endswith("20260310T0000-20260311T0000.html")

    def test_verdict_that_flagged_nothing_has_no_link(self, store):
        write_file(store, "drift/20260310T0000-20260311T0000.html", "page")
        assert link_of(self.operator(store, day(1).key)) == ""

    def test_task_that_failed_before_its_templates_were_rendered_has_no_link(self, store):
        assert link_of(self.operator(store, "{{ ti.xcom_pull(task_ids='plan_pull') }}")) == ""


class TestDataDocs:
    def test_page_of_the_judged_batch_is_linked(self, tmp_path, store):
        write_lines(tmp_path, [line(n) for n in range(10)])
        pull_logs(store, day(), KEY)
        report = validate_logs(store, day())
        operator = with_store(ValidateLogsOperator(task_id="t", loop="wire", interval=day().key), store)
        assert report.result_uri.endswith(f"/_files/{file_behind(link_of(operator), store)}")

    def test_batch_that_failed_its_suite_is_linked_too(self, tmp_path, store, monkeypatch):
        write_lines(tmp_path, [line(n) for n in range(10)])
        pull_logs(store, day(), KEY)
        monkeypatch.setattr(SuiteResult, "success", False)
        with pytest.raises(DataQualityError):
            validate_logs(store, day())
        assert link_of(with_store(ValidateLogsOperator(task_id="t", loop="wire", interval=day().key), store))

    def test_batch_that_was_not_judged_is_not_linked(self, store):
        assert link_of(with_store(ValidateLogsOperator(task_id="t", loop="wire", interval=day().key), store)) == ""

    def test_labels_link_to_the_list_of_batches_once_there_is_one(self, store):
        operator = with_store(ValidateLabelsOperator(task_id="t", loop="wire"), store)
        assert link_of(operator) == ""
        write_file(store, "expectations/index.html", "list")
        assert file_behind(link_of(operator), store) == "expectations/index.html"


class TestReleaseNotes:
    def operator(self, store, reference):
        return with_store(WriteReleaseNotesOperator(task_id="t", loop="wire", decision=reference), store)

    def test_notes_on_the_verdict_are_linked(self, store):
        verdict = record(store, make_gate_verdict("c1", round=2))
        assert link_of(self.operator(store, verdict.reference)) == ""
        write_file(store, "reports/c1-2.html", "notes")
        assert file_behind(link_of(self.operator(store, verdict.reference)), store) == "reports/c1-2.html"

    def test_decision_that_is_not_recorded_has_no_link(self, store):
        unknown = make_gate_verdict("c9")
        assert link_of(self.operator(store, unknown.reference)) == ""


def test_store_that_cannot_be_opened_costs_the_link_and_not_the_task(store):
    operator = with_store(ValidateLabelsOperator(task_id="t", loop="wire"), store)
    operator.hook.get_conn.side_effect = StoreError("gone")
    assert link_of(operator) == ""
