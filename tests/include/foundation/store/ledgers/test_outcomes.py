from datetime import timedelta
from typing import Any

from include.foundation.store.ledgers.outcomes import (
    current_labels,
    latest_answers,
    outcome_id,
    set_aside,
    settled_requests,
)
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.stages.training.challenger_builders import DAY, add_labels, label_row


def refused(store: LoopStore, request_id: str, **more: Any) -> None:
    row = {"refusal_id": f"{request_id}-{more}", "stage": "labels", "source": request_id, "raw": "{}"}
    row |= {"reason_code": "ambiguous", "reason": "doubtful"} | more
    store.append_new("quarantine", rows_of(store.loop, "quarantine", [row]))


def answer(number: int, minutes: int, annotator: str = "ann", request_id: str = "r") -> dict[str, Any]:
    moment = DAY + timedelta(minutes=minutes)
    return {"annotation_id": f"a{number}", "request_id": request_id, "annotator": annotator, "created_at": moment}


def test_outcome_id_depends_on_the_request_and_on_which_answers_not_on_their_order() -> None:
    assert outcome_id("r", ["a", "b"]) == outcome_id("r", ["b", "a"])
    assert len({outcome_id("r", ["a", "b"]), outcome_id("r", ["a"]), outcome_id("s", ["a", "b"])}) == 3


def test_settled_requests_have_a_label_or_were_set_aside(store: LoopStore) -> None:
    add_labels(store, [label_row(1) | {"request_id": "labeled"}, label_row(2) | {"request_id": None}])
    refused(store, "doubtful")
    refused(store, "seeds.jsonl", reason_code="bad_seed")
    refused(store, "a.jsonl", stage="logs")
    assert settled_requests(store) == {"labeled", "doubtful"}
    assert set_aside(store).column("source").to_pylist() == ["doubtful"]


def test_nothing_is_settled_in_an_empty_store(store: LoopStore) -> None:
    assert settled_requests(store) == set()


def test_current_labels_are_those_that_no_other_supersedes(store: LoopStore) -> None:
    rows = [
        label_row(1) | {"label_id": "first"},
        label_row(1) | {"label_id": "second", "supersedes": "first"},
        label_row(1) | {"label_id": "third", "supersedes": "second"},
        label_row(2) | {"label_id": "other"},
    ]
    assert current_labels(rows_of(store.loop, "labels", rows)).column("label_id").to_pylist() == ["third", "other"]


def test_latest_answers_are_the_newest_of_each_annotator_to_each_request_in_any_order() -> None:
    rows = [answer(1, 0), answer(2, 5), answer(3, 1, "bob"), answer(4, 0, request_id="s"), answer(5, 5, "bob", "s")]
    expected = ["a2", "a3", "a4", "a5"]
    for given in (rows, rows[::-1]):
        assert [row["annotation_id"] for row in latest_answers(given)] == expected


def test_latest_answers_at_the_same_moment_are_told_apart_by_id() -> None:
    rows = [answer(2, 0), answer(1, 0)]
    assert [row["annotation_id"] for row in latest_answers(rows)] == ["a2"]
