"""Without tiers, what annotators cannot decide is asked of further readers, then held for a person, who decides for good."""

from typing import Any

import pytest

from include.foundation.store.ledgers.outcomes import held_requests
from include.foundation.store.rows import rows_of
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import progress
from include.stages.labeling.pushing import open_requests
from include.stages.labels.label_validation import validate_labels
from tests.builders import KEY
from tests.include.stages.labels.label_builders import collect, pushed_store, write_answers
from tests.include.stages.labels.test_escalation import ids_of_tier, judged, labels_of, of_tier

CONTESTED = "t0"
MAJORITY = {"consensus": "majority", "min_confidence": 0.7, "max_set_aside": 1.0, "min_agreement": -1.0}


def contested_store(folder, *, others: bool = True, labels: Any = None, **escalation):
    """Return a store of which one row is contested, two against one, and the request on it; others have answered elsewhere."""
    sections = {"labels": MAJORITY | (labels or {}), "escalation": escalation}
    store, requests = pushed_store(folder, 6, **sections)
    for name, said in zip(("ann", "bob", "cat"), ("earn", "earn", "acq"), strict=True):
        write_answers(folder, name, {requests[CONTESTED]: said})
    for name in ("ann", "bob", *(["dan", "eve"] if others else ["cat"])):
        write_answers(folder, name, {key: "earn" for trace_id, key in requests.items() if trace_id != CONTESTED})
    return store, requests[CONTESTED]


def asked_of(store, tier):
    return ids_of_tier(store, tier).get(CONTESTED)


def test_one_more_reader_is_asked_whose_answer_is_weighed_with_those_before(tmp_path):
    store, first = contested_store(tmp_path)
    report = judged(store)
    assert (report.accepted, report.escalated, report.set_aside) == (5, 1, 0)
    (row,) = of_tier(store, 2).values()
    assert (row["escalates"], row["reasons"][0]) == (first, "annotators did not agree"), (
        "a reader is blind to what was said"
    )
    assert row["hidden_prelabel"] == of_tier(store, 1)[CONTESTED]["hidden_prelabel"]
    assert open_requests(store).column("request_id").to_pylist() == [row["request_id"]]
    write_answers(tmp_path, "dan", {row["request_id"]: "earn"})
    assert judged(store).accepted == 1
    label = labels_of(store)[CONTESTED]
    assert (label["label"], label["tier"], label["decided_by"]) == ("earn", 2, "majority")
    assert (label["confidence"], label["annotators"]) == (0.75, 4)
    assert progress(store, backend_for(store.loop, None), KEY).open == 0
    assert judged(store).received == 0


def test_reader_who_answered_before_is_not_another_one(tmp_path):
    store, _ = contested_store(tmp_path)
    judged(store)
    write_answers(tmp_path, "cat", {asked_of(store, 2): "earn"})
    assert (collect(store).refused, validate_labels(store).received) == (1, 0)


@pytest.mark.parametrize(("more", "lead"), [(0, 2), (1, 3), (2, 4)])
def test_after_the_last_reader_a_person_decides_for_good_and_sees_what_was_said(tmp_path, more, lead):
    rule = {"name": "never_acq", "input": "text", "when": "story", "deny": ["acq"]}
    store, _ = contested_store(tmp_path, more_readers=more, labels={"min_confidence": 0.9, "rules": [rule]})
    judged(store)
    for number, name in enumerate(("dan", "eve")[:more], start=2):
        assert held_requests(store).num_rows == 0
        write_answers(tmp_path, name, {asked_of(store, number): "earn"})
        judged(store)
    assert held_requests(store).column("request_id").to_pylist() == [asked_of(store, lead)]
    assert "annotators said {'acq': 1, 'earn': " in of_tier(store, lead)[CONTESTED]["reasons"][0]
    assert open_requests(store).num_rows == 0, "nobody waits for it"
    write_answers(tmp_path, "ann", {asked_of(store, lead): "acq"}, comment="page 2")  # who answered before may decide
    assert judged(store).accepted == 1
    label = labels_of(store)[CONTESTED]
    assert (label["label"], label["tier"], label["decided_by"], label["rationale"]) == ("acq", lead, "lead", "page 2")
    assert (held_requests(store).num_rows, judged(store).received) == (0, 0)


def test_person_who_decides_may_withdraw_with_a_reason(tmp_path):
    store, _ = contested_store(tmp_path, more_readers=0)
    judged(store)
    write_answers(tmp_path, "lea", {asked_of(store, 2): None}, comment="two stories in one")
    assert judged(store).set_aside == 1
    (row,) = (row for row in store.read("quarantine").to_pylist() if row["stage"] == "labels")
    assert (row["reason_code"], row["reason"]) == ("withdrawn", "withdrawn by tier lead: two stories in one")
    assert (held_requests(store).num_rows, CONTESTED in labels_of(store)) == (0, False)


def test_where_everybody_known_has_answered_no_reader_is_waited_for(tmp_path):
    store, _ = contested_store(tmp_path, others=False)
    judged(store)
    assert [row["tier"] for row in held_requests(store).to_pylist()] == [3]
    write_answers(tmp_path, "lea", {asked_of(store, 3): "acq"})
    assert judged(store).accepted == 1, "and a lead makes nobody known as a reader"


def test_people_of_the_loop_file_are_known_before_they_answer(tmp_path):
    store, requests = pushed_store(tmp_path, 1, labels=MAJORITY, labeling={"people": ["ann", "bob", "cat", "dan"]})
    for name in ("ann", "bob", "cat"):
        write_answers(tmp_path, name, dict.fromkeys(requests.values(), "acq" if name == "cat" else "earn"))
    judged(store)
    assert asked_of(store, 2) is not None


def test_reader_who_does_not_answer_in_time_leaves_it_to_a_person(tmp_path):
    store, _ = contested_store(tmp_path)
    collect(store)
    validate_labels(store)
    row = of_tier(store, 2)[CONTESTED]
    late = row | {"external_id": "x", "pushed_at": row["asked_at"].replace(year=2020)}
    store.update_rows("requests", rows_of(store.loop, "requests", [late]))
    assert validate_labels(store).escalated == 1
    assert [row["tier"] for row in held_requests(store).to_pylist()] == [3]


def test_answers_that_change_after_a_reader_was_asked_are_weighed_as_they_stand(tmp_path):
    store, first = contested_store(tmp_path)
    judged(store)
    write_answers(tmp_path, "cat", {first: "earn"}, minute=5)
    write_answers(tmp_path, "dan", {asked_of(store, 2): "acq"}, minute=6)
    judged(store)
    assert (labels_of(store)[CONTESTED]["label"], labels_of(store)[CONTESTED]["annotators"]) == ("earn", 4)


class TestLabelsFollowTheAnswers:
    def agreed(self, folder, **overrides):
        store, requests = pushed_store(folder, 6, labels=MAJORITY, **overrides)
        for name in ("ann", "bob", "cat", "dan"):
            write_answers(folder, name, dict.fromkeys(requests.values(), "earn"))
        judged(store)
        assert labels_of(store).keys() == requests.keys()
        return store, requests[CONTESTED]

    def change(self, folder, request, *labels):
        for name, label in zip(("ann", "bob", "cat", "dan"), labels, strict=False):
            write_answers(folder, name, {request: label}, minute=9)

    @pytest.mark.parametrize("escalation", [{}, {"tiers": [{"name": "reviewer"}]}], ids=["readers", "tiers"])
    def test_label_whose_answers_become_ambiguous_is_taken_back(self, tmp_path, escalation):
        store, request = self.agreed(tmp_path, escalation=escalation)
        self.change(tmp_path, request, "acq", "acq")
        report = judged(store)
        assert (report.accepted, report.escalated) == (0, 1)
        assert CONTESTED not in labels_of(store)
        assert judged(store).received == 0

    def test_label_that_is_audited_when_its_answers_change_is_taken_back_as_well(self, tmp_path):
        escalation = {"tiers": [{"name": "reviewer"}], "audit_share": 1.0}
        store, request = self.agreed(tmp_path, escalation=escalation)
        assert of_tier(store, 2).keys() == of_tier(store, 1).keys()
        self.change(tmp_path, request, "acq", "acq")
        assert judged(store).escalated == 0, "the reviewer was asked already"
        assert CONTESTED not in labels_of(store)
        write_answers(tmp_path, "rev", {asked_of(store, 2): "acq"}, minute=10)
        judged(store)
        assert labels_of(store)[CONTESTED]["label"] == "acq"

    def test_label_that_the_answers_still_make_stays(self, tmp_path):
        store, request = self.agreed(tmp_path)
        before = labels_of(store)[CONTESTED]["label_id"]
        self.change(tmp_path, request, "acq")
        judged(store)
        assert labels_of(store)[CONTESTED]["label_id"] == before
