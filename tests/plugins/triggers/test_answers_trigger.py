"""The wait for answers: it survives a restart of the triggerer, and ends once."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from airflow.triggers.base import TriggerEvent
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.hooks.loop_store_hook import LoopStoreHook
from feedback_loop.triggers.answers_trigger import AnswersTrigger, completion, reminder

from include.foundation.errors import LabelingError, StoreError
from include.stages.labeling import hints
from include.stages.labeling.collecting import Progress
from include.stages.labeling.hints import leave_hint
from tests.builders import KEY, make_store
from tests.include.stages.labeling.test_progress import add_requests

OPEN = Progress(2, 0, complete=False, reason="quorum is 90%")
QUORUM = Progress(2, 2, complete=True, reason="quorum: 2 of 2 answered")
DEADLINE = datetime(2026, 3, 10, tzinfo=UTC)
BEGAN = "2026-03-07T00:00:00+00:00"


@pytest.fixture
def trigger():
    return AnswersTrigger("wire", "feedback_store", 0.01, BEGAN)


async def listen(trigger):
    return [event async for event in trigger.run()]


def test_trigger_is_made_again_from_what_it_serialises(trigger):
    path, arguments = trigger.serialize()
    assert path == "feedback_loop.triggers.answers_trigger.AnswersTrigger"
    assert arguments == {
        "loop": "wire",
        "store_conn_id": "feedback_store",
        "poll_seconds": 0.01,
        "since": BEGAN,
        "remind_at": None,
    }
    assert vars(AnswersTrigger(**arguments)) == vars(trigger)


def test_trigger_fires_once_the_wait_is_over(trigger):
    looks = iter([OPEN, QUORUM])
    trigger._look = lambda: next(looks)
    assert asyncio.run(listen(trigger)) == [TriggerEvent(completion(QUORUM))]


def test_people_are_reminded_once_it_is_time_unless_the_wait_is_over():
    late = AnswersTrigger("wire", "feedback_store", 0.01, BEGAN, BEGAN)
    late._look = lambda: OPEN
    assert asyncio.run(listen(late)) == [TriggerEvent(reminder(OPEN, BEGAN))]
    assert reminder(OPEN, BEGAN)["reason"] == "2 of 2 open requests are not answered in full"
    late._look = lambda: QUORUM
    assert asyncio.run(listen(late)) == [TriggerEvent(completion(QUORUM))]
    looks = iter([OPEN, QUORUM])
    early = AnswersTrigger("wire", "feedback_store", 0.01, BEGAN, "2999-01-01T00:00:00+00:00")
    early._look = lambda: next(looks)
    assert asyncio.run(listen(early)) == [TriggerEvent(completion(QUORUM))]


def test_event_says_which_deadline_passed():
    look = Progress(2, 0, complete=True, reason="deadline: 72 hours passed", passed_deadline=DEADLINE)
    assert completion(look) == {
        "status": "complete", "reason": "deadline: 72 hours passed", "passed_deadline": "2026-03-10T00:00:00+00:00",
    }  # fmt: skip
    assert completion(QUORUM)["passed_deadline"] is None


def test_platform_that_does_not_answer_ends_the_wait_with_its_error(trigger, tmp_path, monkeypatch):
    """Airflow then fails the task, which is tried again: a wait that goes on in silence would never be seen."""
    monkeypatch.setattr(LoopStoreHook, "get_conn", lambda _: make_store(tmp_path))
    monkeypatch.setattr(LabelingHook, "get_conn", Mock(spec=LabelingHook.get_conn, side_effect=LabelingError("down")))
    with pytest.raises(LabelingError, match="down"):
        asyncio.run(listen(trigger))


def test_look_reads_the_store_and_asks_the_backend(trigger, tmp_path, monkeypatch):
    store = make_store(tmp_path)
    add_requests(store, [("pushed later", datetime.fromisoformat(BEGAN) + timedelta(seconds=1))])
    monkeypatch.setattr(LoopStoreHook, "get_conn", lambda _: store)
    monkeypatch.setattr(LoopStoreHook, "pseudonym_key", KEY)
    monkeypatch.setattr(LabelingHook, "get_conn", lambda _: None)
    monkeypatch.setattr(LabelingHook, "webhook_secret", None)
    assert asyncio.run(listen(trigger)) == [
        TriggerEvent({"status": "complete", "reason": "no request is open", "passed_deadline": None})
    ]


class TestHints:
    """Between two looks, a hint that came after the first one is enough for the second; without a hint it is as ever."""

    @pytest.fixture
    def wait(self, tmp_path, monkeypatch):
        """Wait through two looks, the second of which ends it; return the pauses. Something may happen in one of them."""
        store = make_store(tmp_path)
        add_requests(store, [("r1", datetime.fromisoformat(BEGAN))])
        monkeypatch.setattr(LoopStoreHook, "get_conn", lambda _: store)
        monkeypatch.setattr(LoopStoreHook, "pseudonym_key", KEY)
        monkeypatch.setattr(LabelingHook, "get_conn", lambda _: None)

        def waiting(secret, happening=lambda _: None, at=None, during_look=lambda _: None, looks_at_all=2):
            monkeypatch.setattr(LabelingHook, "webhook_secret", secret)
            looks, pauses = iter([OPEN] * (looks_at_all - 1) + [QUORUM]), []

            def look(*_):
                during_look(store)
                return next(looks)

            async def pause(seconds):
                pauses.append(seconds)
                if len(pauses) == at:
                    happening(store)

            monkeypatch.setattr("include.stages.labeling.collecting.progress", look)
            with monkeypatch.context() as patched:
                patched.setattr(asyncio, "sleep", pause)
                asyncio.run(listen(AnswersTrigger("wire", "feedback_store", 30, BEGAN)))
            return pauses

        return waiting

    def test_hint_ends_the_pause_at_once(self, wait):
        assert wait("secret", leave_hint, at=3) == [5, 1, 1]

    def test_hint_that_comes_during_a_look_leads_to_the_next(self, wait):
        assert wait("secret", during_look=leave_hint) == [5]

    def test_answer_that_is_shown_later_than_hinted_at_is_found_by_one_more_look_soon(self, wait):
        assert wait("secret", leave_hint, at=1, looks_at_all=4) == [5, *[5, *[1] * 15], *[5, *[1] * 25]]

    def test_without_a_hint_looks_are_as_far_apart_as_ever(self, wait):
        assert wait("secret") == [5, *[1] * 25]

    def test_hint_from_before_the_look_is_spent(self, wait, tmp_path):
        leave_hint(make_store(tmp_path))
        assert sum(wait("secret")) == 30

    def test_without_a_secret_nobody_looks_for_hints(self, wait):
        assert wait(None, leave_hint, at=1) == [30]

    def test_hints_that_cannot_be_read_lead_to_a_look_which_opens_the_store_anew(self, wait, monkeypatch):
        def expire(_):
            monkeypatch.setattr(hints, "last_hint", Mock(side_effect=[StoreError("ExpiredToken"), None]))

        assert wait("secret", expire, at=2) == [5, 1]
