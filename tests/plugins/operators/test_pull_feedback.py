"""Feedback is pulled under pseudonyms, counted, and read once."""

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException
from feedback_loop.hooks.log_source_hook import LogSourceHook
from feedback_loop.operators.pull_feedback import PullFeedbackOperator

from include.foundation.lines.sources import Access
from include.foundation.lines.values import pseudonym
from include.foundation.store.person_keys import person_key
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines
from tests.plugins.operators.operator_builders import context, with_store


class TestPullFeedback:
    SIGNALS = ({"feedback_id": "f1", "trace_id": "t1"}, {"feedback_id": "f2", "trace_id": "gone"},
               {"feedback_id": "f3", "trace_id": "t3", "kind": "mood"},
               {"feedback_id": "f4", "trace_id": "t4", "consent": False})  # fmt: skip

    def pull(self, store):
        operator = PullFeedbackOperator(task_id="t", loop="wire", interval=day().key)
        return with_store(operator, store).execute(context())

    def store(self, folder):
        said = {"ts": day().start.isoformat(), "kind": "explicit", "signal": "report", "user_id": "ada"}
        write_lines(folder, [json.dumps(said | changes) for changes in self.SIGNALS], "../feedback/f.jsonl")
        return make_store(folder, feedback={"uri": str(folder / "feedback")})

    def test_signals_are_stored_under_a_pseudonym_and_counted(self, tmp_path):
        store = self.store(tmp_path)
        assert self.pull(store) == {
            "rows": 2, "refused": 1, "without_consent": 1, "duplicates": 0, "held_back": 0, "orphans": 2,
        }  # fmt: skip
        kept = store.read("feedback").to_pylist()
        assert {row["feedback_id"] for row in kept} == {"f1", "f2"}
        assert {row["user_key"] for row in kept} == {pseudonym("ada", person_key(store, KEY, "user"))}
        assert store.read("quarantine").column("reason_code").to_pylist() == ["unknown_kind"]

    def test_run_again_returns_the_same_and_changes_nothing(self, tmp_path):
        store = self.store(tmp_path)
        first = self.pull(store)
        before = [store.read(name) for name in ("feedback", "quarantine")]
        assert self.pull(store) == first
        assert [store.read(name) for name in ("feedback", "quarantine")] == before

    def test_file_that_is_not_read_because_of_its_ending_is_told(self, tmp_path, capsys):
        store = self.store(tmp_path)
        (tmp_path / "feedback" / "f.jsonl.1").write_text("{}\n")
        assert "warnings" not in self.pull(store)
        assert "1 files that were written lately are not read" in capsys.readouterr().out

    def test_signal_after_its_prediction_is_no_orphan(self, tmp_path):
        store = self.store(tmp_path)
        write_lines(tmp_path, [line(n) for n in range(5)])
        pull_logs(store, day(), KEY)
        assert self.pull(store)["orphans"] == 1

    def test_loop_without_feedback_has_none(self, store):
        assert set(self.pull(store).values()) == {0}

    def test_source_that_is_not_there_fails_without_retry(self, tmp_path):
        store = make_store(tmp_path, feedback={"uri": str(tmp_path / "nowhere")})
        with pytest.raises(AirflowFailException, match="nowhere"):
            self.pull(store)

    def test_source_is_opened_through_its_own_connection(self, tmp_path, monkeypatch):
        """Feedback may lie elsewhere than the logs: the operator must not open it as one of them."""
        opened = []
        monkeypatch.setattr(LogSourceHook, "get_conn", lambda hook: opened.append(hook.source) or Access({}))
        store = self.store(tmp_path)
        self.pull(store)
        assert opened == [store.loop.feedback]
