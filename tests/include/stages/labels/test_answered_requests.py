"""Which requests are decided: enough answers, a decline among them, a passed deadline, and late answers for good."""

from datetime import timedelta

import pytest

from include.foundation.store.ledgers.outcomes import current_labels, held_requests
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from include.stages.labels import answered_requests as answered
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.label_validation import validate_labels
from tests.builders import CLASSES, KEY
from tests.include.stages.labels.label_builders import (
    ANNOTATORS,
    ask,
    collect,
    everyone_answers,
    pushed_store,
    truth,
    write_answers,
)


def labels(store):
    return {row["trace_id"]: row for row in current_labels(store.read("labels")).to_pylist()}


def held(store):
    rows = store.read("requests", filters=[("tier", ">", 1)]).to_pylist()
    return {row["trace_id"]: (row["cause"], row["reasons"][0]) for row in rows}


class TestDeclines:
    def declined(self, folder, number, **overrides):
        """A store of one request that so many of three annotators declined."""
        store, requests = pushed_store(folder, 1, **overrides)
        for place, name in enumerate(ANNOTATORS):
            write_answers(folder, name, {r: None if place < number else truth(t) for t, r in requests.items()})
        assert collect(store).refused == 0
        return store

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_decline_counts_for_the_wait(self, tmp_path, number):
        store, requests = pushed_store(tmp_path, 2, labeling={"quorum": 1.0})
        for place, name in enumerate(ANNOTATORS):
            write_answers(tmp_path, name, {r: None if place < number else truth(t) for t, r in requests.items()})
        look = progress(store, backend_for(store.loop, None), KEY)
        assert (look.answered, look.complete) == (2, True)

    def test_decline_is_no_vote(self, tmp_path):
        store = self.declined(tmp_path, 1)
        assert validate_labels(store).accepted == 1
        (row,) = labels(store).values()
        assert (row["label"], row["annotators"], row["agreement"]) == ("earn", 2, 1.0)

    @pytest.mark.parametrize("number", [2, 3])
    def test_many_declines_of_one_request_are_a_finding(self, tmp_path, number):
        store = self.declined(tmp_path, number)
        assert validate_labels(store).escalated == 1
        reason = f"annotators declined it: {number} of 3 annotators declined: look at whether it can be answered"
        assert held(store) == {"t0": ("declined", reason)}
        assert progress(store, backend_for(store.loop, None), KEY).open == 0

    def test_as_many_declines_as_votes_are_a_finding(self, tmp_path):
        store, requests = pushed_store(tmp_path, 1, labeling={"overlap": 2})
        write_answers(tmp_path, "ann", dict.fromkeys(requests.values(), None))
        write_answers(tmp_path, "bob", dict.fromkeys(requests.values(), "earn"))
        collect(store)
        validate_labels(store)
        assert held(store)["t0"][0] == "declined"

    def test_who_declined_may_answer_later(self, tmp_path):
        store = self.declined(tmp_path, 2)
        validate_labels(store)
        (request,) = store.read("requests", filters=[("tier", "=", 1)]).column("request_id").to_pylist()
        assert held_requests(store).num_rows == 1
        write_answers(tmp_path, "ann", {request: "earn"}, minute=5)
        collect(store)
        validate_labels(store)
        assert labels(store)["t0"]["annotators"] == 2
        assert held_requests(store).num_rows == 0, "what annotators come to agree on waits for nobody"


class TestLoneAnnotator:
    def test_only_answer_is_the_label_where_one_is_asked_for(self, tmp_path):
        store, requests = pushed_store(tmp_path, labeling={"overlap": 1})
        write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
        collect(store)
        assert validate_labels(store).accepted == len(requests)
        assert {(row["decided_by"], row["confidence"]) for row in labels(store).values()} == {("majority", 1.0)}
        assert all(row["label"] == truth(trace) for trace, row in labels(store).items())

    def test_only_answer_is_not_enough_where_three_are_asked_for(self, tmp_path):
        store, requests = pushed_store(tmp_path, 2, labeling={"deadline_hours": 1e-6})
        write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
        collect(store)
        assert validate_labels(store).escalated == 2

    @pytest.mark.parametrize(("overlap", "consensus"), [(2, "dawid_skene"), (3, "dawid_skene"), (3, "majority")])
    def test_people_who_agree_are_believed_from_the_first_batch_on(self, tmp_path, overlap, consensus):
        store, requests = pushed_store(tmp_path, 3, labeling={"overlap": overlap}, labels={"consensus": consensus})
        for name in ANNOTATORS[:overlap]:
            write_answers(tmp_path, name, {request: truth(trace) for trace, request in requests.items()})
        collect(store)
        assert validate_labels(store).accepted == 3
        assert {row["decided_by"] for row in labels(store).values()} == {consensus}


class TestLateAnswers:
    def test_late_answer_changes_a_label_however_old_its_request_is(self, tmp_path, monkeypatch):
        monkeypatch.setattr(answered, "RECENT", 2)
        store, requests = pushed_store(tmp_path, 4, labels={"consensus": "majority", "min_confidence": 0.6})
        everyone_answers(tmp_path, requests, truth)
        collect(store)
        validate_labels(store)
        more = ask(tmp_path, store, range(100, 104), 1)
        everyone_answers(tmp_path, more, truth)
        collect(store)
        validate_labels(store)
        for name in ANNOTATORS:
            write_answers(tmp_path, name, {requests["t0"]: "grain"}, minute=9)
        assert collect(store).new == 3
        assert validate_labels(store).accepted == 1
        assert labels(store)["t0"]["label"] == "grain"
        assert validate_labels(store).received == 0

    def test_open_requests_are_decided_however_old_they_are(self, tmp_path, monkeypatch):
        monkeypatch.setattr(answered, "RECENT", 2)
        store, requests = pushed_store(tmp_path, 4)
        more = ask(tmp_path, store, range(100, 104), 1)
        everyone_answers(tmp_path, requests | more, truth)
        collect(store)
        assert validate_labels(store).accepted == 8

    def test_annotators_are_judged_by_recent_requests(self, tmp_path, monkeypatch):
        monkeypatch.setattr(answered, "RECENT", 4)
        store, requests = pushed_store(tmp_path, 6)
        everyone_answers(tmp_path, requests, truth)
        collect(store)
        assert {answers for answers, _ in validate_labels(store).annotators.values()} == {6}
        more = ask(tmp_path, store, range(100, 103), 1)
        everyone_answers(tmp_path, more, truth)
        collect(store)
        assert {answers for answers, _ in validate_labels(store).annotators.values()} == {4}

    def test_answer_is_late_only_after_its_request_was_resolved(self, tmp_path):
        store, requests = pushed_store(tmp_path, 2)
        everyone_answers(tmp_path, requests, truth)
        collect(store)
        validate_labels(store)
        write_answers(tmp_path, "dan", {requests["t1"]: truth("t1")})
        collect(store)
        late = {row["annotation_id"]: row["late"] for row in store.read("annotations").to_pylist()}
        assert sorted(late.values()) == [False] * 6 + [True]


@pytest.mark.parametrize(("hours", "received"), [(71, 0), (72, 3)])
def test_some_answers_are_enough_once_the_deadline_has_passed(tmp_path, hours, received):
    store, requests = pushed_store(tmp_path, 3)
    write_answers(tmp_path, "ann", {request: truth(trace) for trace, request in requests.items()})
    collect(store)
    ledger = store.read("requests").to_pylist()
    earlier = [row | {"pushed_at": row["pushed_at"] - timedelta(hours=hours)} for row in ledger]
    store.update_rows("requests", rows_of(store.loop, "requests", earlier))
    assert validate_labels(store).received == received


def test_dataset_does_not_depend_on_the_order_of_pseudonyms(tmp_path):
    names = set()
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        store, requests = pushed_store(folder, 24, selection={"budget": 24, "diversify": "none"})
        for place, name in enumerate(("ann", "bob", "cat", "dan")):
            said = {r: CLASSES[(int(t[1:]) + (int(t[1:]) % 5 == place)) % 3] for t, r in requests.items()}
            write_answers(folder, f"{name}{number}", said)
        collect(store)
        validate_labels(store)
        names.add(publish_dataset(store).subject)
    assert len(names) == 1
