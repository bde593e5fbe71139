"""The wait for answers is over when nothing is open, enough is answered, or every deadline has passed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.foundation.errors import LabelingError
from include.foundation.store.rows import rows_of
from include.stages.labeling import collecting
from include.stages.labeling.backend_contract import Answer, Answers, Failure
from include.stages.labeling.collecting import Progress, collect_annotations, progress
from tests.builders import DAY, KEY, make_store

PUSHED = datetime(2026, 3, 12, tzinfo=UTC)


class _Platform:
    """A backend that has these answers, each (request, annotator, label)."""

    def __init__(self, *answers):
        self.rows = [Answer(r, f"t-{r}", who, label, DAY, "platform", "well", 2.5) for r, who, label in answers]

    def answers(self, requests, _):
        return Answers([row for row in self.rows if row.request_id in requests])


def platform(*answers: tuple[str, str, str | None]) -> Any:
    return _Platform(*answers)


@pytest.fixture
def at(monkeypatch):
    """Set the clock."""

    def set_clock(moment):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return moment

        monkeypatch.setattr(collecting, "datetime", Clock)

    set_clock(PUSHED)
    return set_clock


def asked(folder, number=10, **labeling):
    """A store with so many pushed requests, the last an hour after the others, and one that is not pushed."""
    store = make_store(folder, labeling={"overlap": 2, "quorum": 0.7, "deadline_hours": 48, **labeling})
    add_requests(store, [(f"r{n}", PUSHED + timedelta(hours=n == number - 1)) for n in range(number)])
    add_requests(store, [("unpushed", None)])
    return store


def add_requests(store, pushed):
    same = {"batch_id": "b", "tier": 1, "stratum": "random", "split": "train", "inclusion_probability": 1.0, "reasons": [],
            "hidden_prelabel": False, "asked_at": DAY}  # fmt: skip
    rows = [
        {"request_id": r, "trace_id": f"t-{r}", "content_key": r, "external_id": at and r, "pushed_at": at, **same}
        for r, at in pushed
    ]
    store.append_new("requests", rows_of(store.loop, "requests", rows))


def answers(number, annotators=("ann", "bob"), label="earn"):
    return [(f"r{n}", who, label) for n in range(number) for who in annotators]


@pytest.mark.usefixtures("at")
class TestProgress:
    def test_nothing_open_ends_the_wait(self, tmp_path):
        store = make_store(tmp_path)
        add_requests(store, [("unpushed", None)])
        assert progress(store, platform(), KEY) == Progress(0, 0, complete=True, reason="no request is open")

    def test_before_quorum_and_deadline_it_goes_on(self, tmp_path):
        look = progress(asked(tmp_path), platform(*answers(6), ("r9", "ann", "earn")), KEY)
        reason = "quorum is 70%, the deadline 48 hours after the push"
        assert look == Progress(10, 6, complete=False, reason=reason)

    def test_quorum_ends_it(self, tmp_path):
        look = progress(asked(tmp_path), platform(*answers(7)), KEY)
        assert look == Progress(10, 7, complete=True, reason="quorum: 7 of 10 answered")

    def test_more_answers_than_asked_for_are_one_answered_request(self, tmp_path):
        assert progress(asked(tmp_path), platform(*answers(1, ("ann", "bob", "cat"))), KEY).answered == 1

    def test_same_person_twice_is_one(self, tmp_path):
        store, people = asked(tmp_path), platform(*answers(7, ("ann", "ann")))
        assert progress(store, people, KEY).answered == 0
        collect_annotations(store, people, KEY)
        assert progress(store, people, KEY).answered == 0

    def test_resolved_requests_are_not_waited_for(self, tmp_path):
        store = asked(tmp_path)
        label = {"label_id": "l", "trace_id": "t-r0", "request_id": "r0", "label": "earn", "decided_by": "majority",
                 "origin": "annotation", "split": "train", "stratum": "random", "inclusion_probability": 1.0,
                 "content_key": "r0", "ts": DAY, "decided_at": DAY}  # fmt: skip
        aside = {
            "refusal_id": "q",
            "stage": "labels",
            "source": "r1",
            "reason_code": "ambiguous",
            "reason": "",
            "raw": "",
        }
        store.append_new("labels", rows_of(store.loop, "labels", [label]))
        store.append_new("quarantine", rows_of(store.loop, "quarantine", [aside]))
        look = progress(store, platform(*answers(4)), KEY)
        assert (look.open, look.answered) == (8, 2)

    @pytest.mark.parametrize(("hours", "complete"), [(48, False), (48.99, False), (49, True), (50, True)])
    def test_last_deadline_ends_it(self, tmp_path, at, hours, complete):
        at(PUSHED + timedelta(hours=hours))
        look = progress(asked(tmp_path), platform(*answers(3)), KEY)
        assert (look.complete, look.answered) == (complete, 3)
        assert look.passed_deadline == (PUSHED + timedelta(hours=49) if complete else None)
        assert look.reason.startswith("deadline: 48 hours passed, 3 of 10 answered") == complete

    def test_what_is_never_answered_does_not_hold_up_what_is(self, tmp_path, at):
        store = asked(tmp_path)  # of these nobody answers
        at(PUSHED + timedelta(hours=60))
        add_requests(store, [(f"n{n}", PUSHED + timedelta(hours=59)) for n in range(10)])
        fresh = [(f"n{n}", who, "earn") for n in range(7) for who in ("ann", "bob")]
        look = progress(store, platform(*fresh), KEY)
        assert (look.complete, look.reason) == (True, "quorum: 7 of 10 answered")
        assert not progress(store, platform(*fresh[:-1]), KEY).complete

    @pytest.mark.parametrize(("hours", "complete"), [(48.99, False), (49, True)])
    def test_what_is_pushed_while_one_waits_does_not_prolong_the_wait(self, tmp_path, at, hours, complete):
        store, began = asked(tmp_path), PUSHED + timedelta(hours=1)
        at(PUSHED + timedelta(hours=hours))
        add_requests(store, [(f"n{day}-{n}", PUSHED + timedelta(days=day)) for day in (1, 2) for n in range(10)])
        look = progress(store, platform(*answers(3)), KEY, began)
        assert (look.complete, look.open, look.answered) == (complete, 30, 3)
        assert look.reason.startswith("deadline: 48 hours passed, 3 of 10 answered") == complete
        assert not progress(store, platform(*answers(3)), KEY).complete  # a wait that begins now is for the new ones

    def test_what_is_pushed_while_one_waits_for_stragglers_may_end_the_wait(self, tmp_path, at):
        store, began = asked(tmp_path, 2), PUSHED + timedelta(hours=1)
        at(PUSHED + timedelta(hours=10))
        add_requests(store, [(f"n{n}", PUSHED + timedelta(hours=2)) for n in range(10)])
        fresh = [(f"n{n}", who, "earn") for n in range(9) for who in ("ann", "bob")]
        assert not progress(store, platform(*fresh[:-4]), KEY, began).complete
        assert progress(store, platform(*fresh), KEY, began).reason == "quorum: 9 of 12 answered"


class TestCollecting:
    def test_answer_is_stored_as_it_was_given(self, tmp_path):
        store = asked(tmp_path)
        assert collect_annotations(store, platform(("r1", "ann", "acq"), ("r2", "ann", None)), KEY).new == 2
        rows = {row["request_id"]: row for row in store.read("annotations").to_pylist()}
        assert {key: rows["r1"][key] for key in ("trace_id", "label", "created_at", "source", "comment", "late")} == {
            "trace_id": "t-r1", "label": "acq", "created_at": DAY, "source": "platform", "comment": "well", "late": False,
        }  # fmt: skip
        assert rows["r1"]["lead_time_seconds"] == 2.5
        assert rows["r2"]["label"] == ""
        assert len(rows["r1"]["annotation_id"]) == 32

    def test_another_label_of_the_same_moment_is_another_answer(self, tmp_path):
        store = asked(tmp_path)
        collect_annotations(store, platform(("r1", "ann", "acq")), KEY)
        assert collect_annotations(store, platform(("r1", "ann", "acq"), ("r1", "ann", None)), KEY).new == 1


def test_answers_that_will_not_come_end_the_wait_and_are_an_error_once_what_came_is_stored(tmp_path, at):
    store, backend = asked(tmp_path), platform(("r1", "ann", "earn"))
    came = backend.answers
    backend.answers = lambda *both: replace(came(*both), failed=[Failure("Labeling job a: Failed", ["r1", "r2"])])
    look = progress(store, backend, KEY)
    assert (look.complete, look.reason, look.passed_deadline) == (True, "Labeling job a: Failed", None)
    for _ in range(2):
        with pytest.raises(LabelingError, match="Labeling job a: Failed"):
            collect_annotations(store, backend, KEY)
        assert store.read("annotations").num_rows == 1


def test_failure_is_none_once_the_requests_are_answered_in_full(tmp_path, at):
    store = asked(tmp_path)
    backend = platform(("r1", "ann", "earn"), ("r1", "ben", "earn"))
    came = backend.answers
    backend.answers = lambda *both: replace(
        came(*both), failed=[Failure("Labeling job a: Stopped", ["r1", "unpushed"])]
    )
    assert not progress(store, backend, KEY).complete
    assert collect_annotations(store, backend, KEY).new == 2
