"""Corrections of users become annotations of requests, once, and are taken back."""

from datetime import timedelta

import pytest

from include.foundation.store.ledgers.annotations import UNKNOWN_USER, latest_annotations, latest_said
from include.foundation.store.rows import rows_of
from include.stages.labeling.user_corrections import COLLECTED, collect_corrections
from include.stages.labels.label_validation import validate_labels
from tests.builders import CLASSES, DAY, make_store
from tests.include.stages.labels.label_builders import ask, collect, everyone_answers, pushed_store, truth
from tests.include.stages.selection.selection_builders import add_rows


def correction(trace, label, person="u1", *, minute=0, **overrides):
    """One user's correction of a prediction."""
    return {
        "feedback_id": f"{trace}-{person}-{minute}",
        "trace_id": trace,
        "ts": DAY + timedelta(hours=5, minutes=minute),
        "kind": "explicit",
        "signal": "correction",
        "value": None if label is None else f'{{"label":"{label}"}}',
        "user_key": person,
    } | overrides


def said(store, request):
    """What users say of a request now: the label of each person, by kind and person."""
    return {(each.kind, each.annotator): each.label for each in latest_said(store, [request])[1]}


def test_correction_becomes_an_annotation_of_its_request_exactly_once(tmp_path):
    store, requests = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", "earn", comment="a bank"), correction("not asked", "earn")])
    assert collect(store).corrections == 1
    row = store.read("annotations").to_pylist()[0]
    assert (row["request_id"], row["trace_id"], row["annotator"]) == (requests["t1"], "t1", "u1")
    assert (row["label"], row["kind"], row["source"], row["comment"]) == ("earn", "explicit", "feedback", "a bank")
    assert (row["created_at"], row["late"]) == (correction("t1", "earn")["ts"], False)
    version = store.version("annotations")
    assert collect(store).corrections == 0
    assert store.version("annotations") == version


def test_user_is_no_annotator(tmp_path):
    """Not for the overlap, not for the wait, and not where an earlier version's store has one pseudonym for both."""
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, {"t1": requests["t1"]}, truth)
    collect(store)
    annotator = latest_annotations(store, [requests["t1"]])[0].annotator
    add_rows(store, "feedback", [correction("t1", "acq", annotator, minute=9)])
    assert collect(store).corrections == 1
    assert [each.label for each in latest_annotations(store, [requests["t1"]])] == [truth("t1")] * 3
    assert said(store, requests["t1"]) == {("explicit", annotator): "acq"}


@pytest.mark.parametrize("value", ['"grain"', '{"label": "grain"}', '" grain "'])
def test_newest_of_a_person_counts(tmp_path, value):
    store, requests = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", None, minute=5, value=value), correction("t1", "acq", minute=1)])
    add_rows(store, "feedback", [correction("t1", "earn", "u2"), correction("t1", "earn", None)])
    collect(store)
    people = {"u1": "grain", "u2": "earn", UNKNOWN_USER: "earn"}
    assert said(store, requests["t1"]) == {("explicit", name): label for name, label in people.items()}


@pytest.mark.parametrize("value", [None, '"no such class"', '{"stars":1}', "true", '["earn"]'])
def test_correction_without_a_class_takes_back_what_was_said(tmp_path, value):
    store, requests = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", "earn"), correction("t1", None, minute=1, value=value)])
    collect(store)
    assert said(store, requests["t1"]) == {}


def test_what_is_held_back_says_nothing_also_if_it_was_stored_before(tmp_path):
    store, requests = pushed_store(tmp_path)
    rows = [correction("t1", "earn"), correction("t2", "earn", held_back="burst_person")]
    add_rows(store, "feedback", rows)
    assert collect(store).corrections == 1
    held = [rows[0] | {"held_back": "burst_person"}]
    store.replace_where("feedback", rows_of(store.loop, "feedback", held), "feedback_id", [held[0]["feedback_id"]])
    assert collect(store).corrections == 1
    assert collect(store).corrections == 0
    assert said(store, requests["t1"]) == {}
    assert said(store, requests["t2"]) == {}


@pytest.mark.parametrize("kind", ["explicit", "implicit", "automated"])
def test_correction_keeps_its_kind(tmp_path, kind):
    store, requests = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", "earn", kind=kind)])
    collect(store)
    assert said(store, requests["t1"]) == {(kind, "u1"): "earn"}


@pytest.mark.parametrize("signal", ["report", "rating", "thumbs_down", "click"])
def test_signal_that_is_no_correction_is_no_answer(tmp_path, signal):
    store, _ = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", "earn", signal=signal)])
    assert collect(store).corrections == 0


def test_correction_that_comes_before_the_request_waits_for_it(tmp_path):
    store, _ = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t50", "earn")])
    assert collect_corrections(store) == 0
    ask(tmp_path, store, range(50, 53), number=1)
    assert collect_corrections(store) == 1


def test_requests_of_long_ago_are_not_looked_at(tmp_path):
    store, _ = pushed_store(tmp_path)
    ask(tmp_path, store, range(50, 53), number=COLLECTED.days + 1)
    add_rows(store, "feedback", [correction("t1", "earn"), correction("t51", CLASSES[0], ts=DAY + COLLECTED)])
    assert collect_corrections(store) == 1
    assert store.read("annotations").column("trace_id").to_pylist() == ["t51"]


def test_correction_of_an_earlier_row_with_the_same_trace_id_is_not_taken_for_one_of_this(tmp_path):
    store, requests = pushed_store(tmp_path, logs={"repeat_days": 2})
    rows = [correction("t1", "acq", "u1", ts=DAY - timedelta(days=9)), correction("t1", "earn", "u2")]
    add_rows(store, "feedback", rows)
    assert collect(store).corrections == 1
    assert said(store, requests["t1"]) == {("explicit", "u2"): "earn"}


def test_correction_of_what_is_labeled_already_is_late(tmp_path):
    store, requests = pushed_store(tmp_path)
    everyone_answers(tmp_path, requests, truth)
    collect(store)
    validate_labels(store)
    add_rows(store, "feedback", [correction("t1", "acq")])
    collect(store)
    assert [each.late for each in latest_said(store, [requests["t1"]])[1]] == [True]


def test_correction_speaks_of_todays_classes(tmp_path):
    store, requests = pushed_store(tmp_path)
    add_rows(store, "feedback", [correction("t1", "grain"), correction("t2", "acq")])
    later = make_store(
        tmp_path, task={"classes": ["earn", "cereals"], "renamed": {"grain": "cereals"}, "retired": ["acq"]}
    )
    assert collect(later).corrections == 2
    assert store.read("annotations").sort_by("trace_id").column("label").to_pylist() == ["grain", "acq"]
    assert said(later, requests["t1"]) == {("explicit", "u1"): "cereals"}
    assert said(later, requests["t2"]) == {("explicit", "u1"): ""}  # as of one who declined
