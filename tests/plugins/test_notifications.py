"""People hear what the loop file says, without inputs or users, and telling never fails what is told of."""

import json
import threading

import pytest
from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout
from feedback_loop.notifications import LoopNotifier, notifier_of, notifier_problems

from include.foundation.config.operations import Notify
from include.foundation.errors import ConfigError, DataQualityError
from tests.builders import make_loop
from tests.plugins.operators.operator_builders import context, write_loop_file

FILE = "feedback_loop.notifiers.file_notifier.FileNotifier"


class Broken(BaseNotifier):
    """A notifier whose service is down."""

    def notify(self, context):
        raise ConnectionError


class Hanging(BaseNotifier):
    """A notifier whose service never answers."""

    def notify(self, context):
        threading.Event().wait(10)


class Spoken(BaseNotifier):
    """A notifier that keeps what its template became."""

    template_fields = ("text",)
    said: list[str] = []  # noqa: RUF012 - a test reads it

    def __init__(self, text):
        super().__init__()
        self.text = text

    def notify(self, context):
        self.said.append(self.text)


@pytest.fixture
def loop_file(tmp_path, monkeypatch):
    def write(*entries):
        write_loop_file(tmp_path / "loops", make_loop(tmp_path), list(entries))
        monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))

    return write


def failed():
    cause = DataQualityError("3 of 4 lines refused", ["line 1: 'a story of somebody'"])
    error = AirflowFailException(str(cause))
    error.__cause__ = cause
    return {**context(), "exception": error}


def test_failure_says_what_failed_and_where_but_not_what_the_error_quotes(loop_file, tmp_path):
    loop_file({"events": ["failure"], "notifier": FILE, "params": {"path": str(tmp_path / "told.jsonl")}})
    LoopNotifier("wire", "failure")(failed())
    line = json.loads((tmp_path / "told.jsonl").read_text())
    del line["at"]
    assert line == {
        "loop": "wire",
        "event": "failure",
        "message": "Task some of wire.some failed for good in attempt 1: DataQualityError. Its log says why.",
        "dag_id": "wire.some",
        "task_id": "some",
        "run_id": "manual__1",
        "url": "http://airflow/log",
        "page": None,
    }


def test_task_that_was_killed_has_no_error_to_name(loop_file, tmp_path):
    loop_file({"events": ["failure"], "notifier": FILE, "params": {"path": str(tmp_path / "told.jsonl")}})
    LoopNotifier("wire", "failure")(context())
    assert "stopped from outside" in (tmp_path / "told.jsonl").read_text()


def test_only_those_that_name_the_event_are_called(loop_file, tmp_path):
    loop_file(
        {"events": ["rollback"], "notifier": FILE, "params": {"path": str(tmp_path / "rollback")}},
        {"events": ["failure", "approval"], "notifier": FILE, "params": {"path": str(tmp_path / "failure")}},
    )
    LoopNotifier("wire", "failure")(failed())
    assert not (tmp_path / "rollback").exists()
    assert (tmp_path / "failure").exists()


def test_parameters_are_templates_that_know_the_notification(loop_file):
    text = "{{ notification.loop }}: {{ notification.message }} {{ notification.page }}"
    loop_file({"events": ["drift_alarm"], "notifier": f"{__name__}.Spoken", "params": {"text": text}})
    Spoken.said.clear()
    LoopNotifier("wire", "drift_alarm", "Drift.", "s3://pages/drift.html")(context())
    assert Spoken.said == ["wire: Drift. s3://pages/drift.html"]


def test_notifier_that_fails_raises_nothing_and_the_others_are_called(loop_file, tmp_path):
    loop_file(
        {"events": ["rollback"], "notifier": f"{__name__}.Broken"},
        {"events": ["rollback"], "notifier": "nowhere.Missing"},
        {"events": ["rollback"], "notifier": FILE, "params": {"path": str(tmp_path / "told.jsonl")}},
    )
    assert LoopNotifier("wire", "rollback", "m").send(context()) is False
    assert "rollback" in (tmp_path / "told.jsonl").read_text()


def test_time_out_of_the_task_is_not_taken_for_a_failure_to_tell(loop_file):
    """Airflow stops a task that works too long by raising in it; a notifier that hangs must not keep it alive."""
    loop_file({"events": ["rollback"], "notifier": f"{__name__}.Hanging"})
    with pytest.raises(AirflowTaskTimeout), timeout(0.2):
        LoopNotifier("wire", "rollback", "m").send(context())


def test_loop_file_that_is_broken_meanwhile_raises_nothing(loop_file, tmp_path):
    loop_file()
    (tmp_path / "loops" / "wire.yaml").write_text("name: [")
    assert LoopNotifier("wire", "rollback", "m").send(context()) is False


@pytest.mark.parametrize(
    ("notifier", "params", "said"),
    [
        pytest.param("nowhere.Missing", {}, "cannot be imported", id="no-module"),
        pytest.param("feedback_loop.notifications.Missing", {}, "cannot be imported", id="no-class"),
        pytest.param("feedback_loop.notifications.Notification", {}, "not a subclass", id="no-notifier"),
        pytest.param("feedback_loop.notifications.notifier_of", {}, "not a subclass", id="function"),
        pytest.param(FILE, {"pth": "x"}, r"does not take params \['pth'\]", id="parameter"),
    ],
)
def test_notifier_that_does_not_work_is_refused_before_it_is_needed(tmp_path, notifier, params, said):
    entry = Notify(events=["failure"], notifier=notifier, params=params)
    with pytest.raises(ConfigError, match=said):
        notifier_of(entry)
    [problem] = notifier_problems(make_loop(tmp_path, notify=[entry]))
    assert problem.startswith("notify.0: notifier")


@pytest.mark.parametrize(
    ("notifier", "params"),
    [
        ("airflow.providers.smtp.notifications.smtp.SmtpNotifier",
         {"to": "desk@example.org", "subject": "{{ notification.event }}", "html_content": "{{ notification.message }}"}),
        ("airflow.providers.http.notifications.http.HttpNotifier",
         {"http_conn_id": "chat", "json": {"text": "{{ notification.message }}"}}),
    ],
)  # fmt: skip
def test_notifiers_of_providers_are_made_from_a_loop_file(notifier, params):
    assert notifier_of(Notify(events=["failure"], notifier=notifier, params=params)).__class__.__name__ in notifier
