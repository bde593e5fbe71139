from datetime import timedelta
from pathlib import Path

import include
from include.foundation.store.ledgers.annotations import (
    Annotation,
    append_annotations,
    latest_annotations,
    newest_of_each,
)
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
