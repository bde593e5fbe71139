"""What the story says: which version answers, and why a challenger was refused or a champion put back."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from demo.epilogue import gains
from demo.playing import Story
from demo.progress import Progress
from include.foundation.decisions import GuardVerdict, record
from include.foundation.store.ledgers.deployments import Deployment, append_deployment
from tests.builders import make_store
from tests.decision_builders import make_gate_verdict


class Gateway:
    """Serves the version that a test says."""

    served: str | None = None
    asked = 40

    def version(self):
        return self.served

    def wait_for_logs(self):
        pass

    def wait_for_challenger(self):
        return "2"

    def asked_challenger(self):
        self.asked += 60
        return self.asked


@pytest.fixture
def story(tmp_path):
    """A story of which only tables and gateway are there."""
    nothing: Any = SimpleNamespace(kinds=[])
    nothing.trades = {"earn": "acq", "acq": "earn"}
    nothing.serve_day = lambda day, rows, gateway, kind: nothing.kinds.append((day, kind)) or {gateway.served: rows}
    store = make_store(tmp_path)
    gateway: Any = Gateway()
    return Story(store.loop, nothing, gateway, nothing, nothing, nothing, Progress(nothing, []), store)


def deploy(story, version, previous, action="deploy"):
    change = Deployment(version, previous, action, "a test", f"evidence {version} {action}", None)
    append_deployment(story.store, change)


def test_gateway_is_behind_until_it_answers_with_what_is_live_and_each_change_is_said_once(story, capsys):
    assert not story.gateway_is_behind()
    deploy(story, "1", None)
    assert story.gateway_is_behind()
    story.gateway.served = "1"
    assert not story.gateway_is_behind()
    deploy(story, "2", "1")
    assert story.gateway_is_behind()
    story.gateway.served = "2"
    assert not story.gateway_is_behind()
    assert not story.gateway_is_behind()
    said = [line.split("  ")[-1] for line in capsys.readouterr().out.splitlines()]
    assert [line.split(";")[0] for line in said] == [
        "The gateway answers with version 1", "The gateway answers with version 2, before version 1",
    ]  # fmt: skip


def test_reasons_of_a_verdict_are_said_once_and_those_of_one_that_changes_nothing_never(story, capsys):
    record(story.store, GuardVerdict(subject="2", outcome="kept", reasons=("It is no worse.",)))
    record(story.store, GuardVerdict(subject="2", outcome="broken", reasons=("It is worse.", "Version 1 is put back.")))
    story.tell_verdicts()
    story.tell_verdicts()
    assert " ".join(capsys.readouterr().out.split()) == "guard 2: broken. It is worse. Version 1 is put back."


def test_story_says_which_versions_answered(story, capsys):
    story.gateway.served = "3"
    story.serve(date(2026, 9, 1), date(2026, 9, 3), 40, "traded")
    assert story.traffic.kinds == [(date(2026, 9, 1), "traded"), (date(2026, 9, 2), "traded")]
    said = capsys.readouterr().out
    assert "on 2 days from 2026-09-01 on: version 3 answered 80 requests" in said
    assert "what was earn counts as acq" in said


def test_challenger_that_waits_for_live_requests_gets_days_of_them_until_the_gate_decides(story, monkeypatch, capsys):
    pulled, begin = [], date(2026, 9, 1)
    record(story.store, make_gate_verdict("c", "await_live"))
    verdicts = iter(["await_live", "promote"])
    monkeypatch.setattr(Story, "pull", lambda _, first, end: pulled.append((first, end)))
    monkeypatch.setattr(Story, "run_until_idle", lambda _: None)
    monkeypatch.setattr(
        Story, "run", lambda *_: record(story.store, make_gate_verdict("c", next(verdicts), round=1 + len(pulled)))
    )
    story.gateway.served = "1"
    assert story.shadowed(begin, "shifted") == begin + timedelta(days=2)
    assert pulled == [(begin + timedelta(days=n), begin + timedelta(days=n + 1)) for n in range(2)]
    assert story.traffic.kinds == [(day, "shifted") for day, _ in pulled]
    said = capsys.readouterr().out
    assert said.count("version 1 answered 1000 requests") == 2
    assert said.count("version 2 was asked about 60 of these, and nobody was given its answers") == 2
    assert story.shadowed(begin, "shifted") == begin  # nothing waits any more


def test_rollback_is_among_what_came_of_it(story):
    deploy(story, "1", None)
    deploy(story, "2", "1")
    assert gains(story.store) == ["0 challengers refused."]
    deploy(story, "1", "2", "rollback")
    assert gains(story.store)[1:] == ["Version 2 was rolled back, and version 1 served again."]
