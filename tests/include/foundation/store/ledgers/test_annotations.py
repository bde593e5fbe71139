from datetime import timedelta
from pathlib import Path

import include
from include.foundation.store.ledgers.annotations import (
    Annotation,
    answers_to,
    append_annotations,
    latest_annotations,
    newest_of_each,
)
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from tests.include.stages.training.challenger_builders import DAY


def annotation(number: int, minutes: int, annotator: str = "ann", request_id: str = "r") -> Annotation:
    moment = DAY + timedelta(minutes=minutes)
    return Annotation(f"a{number}", request_id, f"t-{request_id}", annotator, "grain", moment, "a.jsonl")


def test_newest_of_each_annotator_to_each_request_stays_in_any_order() -> None:
    annotations = [
        annotation(1, 0),
        annotation(2, 5),
        annotation(3, 1, "bob"),
        annotation(4, 0, request_id="s"),
        annotation(5, 5, "bob", "s"),
    ]
    for given in (annotations, annotations[::-1]):
        assert [each.annotation_id for each in newest_of_each(given)] == ["a2", "a3", "a4", "a5"]


def test_newest_of_the_same_moment_is_told_by_id() -> None:
    assert [each.annotation_id for each in newest_of_each([annotation(2, 0), annotation(1, 0)])] == ["a2"]


def test_annotations_come_back_as_they_were_appended_and_are_stored_once(store: LoopStore) -> None:
    given = [annotation(1, 0), annotation(2, 0, "bob")]
    assert (append_annotations(store, given), append_annotations(store, given)) == (2, 0)
    assert latest_annotations(store, ["r"]) == given
    assert latest_annotations(store, ["other"]) == []


def ask(store: LoopStore, request_id: str, tier: int, escalates: str | None) -> None:
    row = {"request_id": request_id, "batch_id": "b", "trace_id": "t", "tier": tier, "stratum": "random", "split": "holdout",
           "inclusion_probability": 0.1, "reasons": [], "hidden_prelabel": True, "content_key": "c", "asked_at": DAY,
           "escalates": escalates}  # fmt: skip
    store.append_new("requests", rows_of(store.loop, "requests", [row]))


def test_answers_of_all_tiers_are_of_one_content_and_of_each_annotator_the_newest_counts(store: LoopStore) -> None:
    """The tier before could not agree: without its answers, annotators would seem to err less than they do."""
    for name, tier, before in (("r1", 1, None), ("r2", 2, "r1"), ("r3", 3, "r2"), ("s", 1, None)):
        ask(store, name, tier, before)
    said = [annotation(1, 0, "ann", "r1"), annotation(2, 0, "bob", "r1"), annotation(3, 5, "cleo", "r2"),
            annotation(4, 9, "ann", "r3"), annotation(5, 0, "bob", "s")]  # fmt: skip
    append_annotations(store, said)
    for asked in ("r1", "r2", "r3"):
        votes = answers_to(store, {asked: "grain"})
        assert {(each.request_id, each.annotator, each.annotation_id) for each in votes} == {
            (asked, "ann", "a4"), (asked, "bob", "a2"), (asked, "cleo", "a3")
        }  # fmt: skip
    (alone,) = answers_to(store, {"of a seed": "grain"})
    assert (alone.request_id, alone.label) == ("of a seed", "grain")


def test_nothing_is_annotated_in_an_empty_store(store: LoopStore) -> None:
    assert latest_annotations(store, ["r"]) == []


def test_whoever_reads_annotations_says_whether_users_count() -> None:
    """A user's correction is no annotator's answer: only these modules read the table itself, and they know."""
    readers = {
        path.stem
        for path in Path(include.__file__).parent.rglob("*.py")
        if '.read("annotations"' in path.read_text("utf-8")
    }
    assert readers == {"annotations", "taxonomies", "user_corrections", "withdrawals"}
