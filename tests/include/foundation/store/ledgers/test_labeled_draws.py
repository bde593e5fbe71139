"""Draws take the label of their content, whoever asked for it; labels of an earlier version are draws of their own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.foundation.store.ledgers.labeled_draws import labeled_draws
from include.foundation.store.rows import rows_of
from tests.builders import make_store

DAY = datetime(2026, 3, 10, tzinfo=UTC)


def label(trace_id: str, said: str = "earn", **changes: Any) -> dict[str, Any]:
    return {
        "label_id": f"l-{trace_id}", "trace_id": trace_id, "request_id": f"r-{trace_id}", "label": said,
        "decided_by": "majority", "origin": "annotation", "split": "holdout", "stratum": "random",
        "inclusion_probability": 0.5, "content_key": f"c-{trace_id}", "near_key": f"n-{trace_id}", "predicted": "earn",
        "model_version": "1", "ts": DAY, "decided_at": DAY, "input_text": "x", "segment_desk": "eu",
    } | changes  # fmt: skip


def draw(trace_id: str, asked: str, **changes: Any) -> dict[str, Any]:
    return {
        "batch_id": "b", "trace_id": trace_id, "stratum": "random", "inclusion_probability": 0.1, "ts": DAY,
        "model_version": "2", "predicted": "acq", "confidence": 0.7, "content_key": f"c-{asked}", "group_key": None,
        "asked_trace_id": asked, "drawn_at": DAY, "segment_desk": "us",
    } | changes  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path, task={"retired": ["old"]})


def fill(store, labels, draws):
    for name, rows in (("labels", labels), ("draws", draws)):
        store.append_new(name, rows_of(store.loop, name, rows))


def test_a_drawn_row_counts_as_it_was_served_with_the_label_of_its_content(store):
    fill(
        store,
        [label("a"), label("t", split="train", stratum="certainty")],
        [draw("b", "a"), draw("a", "a"), draw("u", "t")],
    )
    rows = {row.trace_id: row for row in labeled_draws(store)}
    assert set(rows) == {"a", "b", "u"}
    repeat = rows["b"]
    assert (repeat.label, repeat.predicted, repeat.model_version, repeat.confidence) == ("earn", "acq", "2", 0.7)
    assert (repeat.inclusion_probability, repeat.segments, repeat.label_id) == (0.1, {"desk": "us"}, "l-a")
    assert [rows[name].is_trained_on for name in ("a", "b", "u")] == [False, False, True]


def test_a_draw_whose_content_has_no_label_yet_waits(store):
    fill(store, [label("a")], [draw("b", "other")])
    assert [row.trace_id for row in labeled_draws(store)] == ["a"]


def test_a_draw_takes_the_label_that_counts_now(store):
    replaced = label("a", "acq", label_id="l2", supersedes="l-a", decided_at=DAY + timedelta(days=1))
    fill(store, [label("a"), replaced], [draw("a", "a")])
    assert [row.label for row in labeled_draws(store)] == ["acq"]


def test_a_draw_takes_the_label_that_its_content_was_asked_again_for(store):
    again = label("z", "acq", content_key="c-a", decided_at=DAY + timedelta(days=9))
    fill(store, [label("a", "old"), again], [draw("a", "a"), draw("z", "z", content_key="c-a")])
    assert {row.trace_id: row.label for row in labeled_draws(store)} == {"a": "acq", "z": "acq"}


@pytest.mark.parametrize("is_hidden", [True, False])
def test_an_answer_beside_a_prelabel_counts_for_no_other_row(store, is_hidden):
    """The drawn row was asked again, and nobody has answered yet."""
    fill(store, [label("a", split="train", hidden_prelabel=is_hidden)], [draw("z", "z", content_key="c-a")])
    assert [row.trace_id for row in labeled_draws(store) if row.trace_id == "z"] == ["z"] * is_hidden


def test_of_two_answers_for_a_row_the_one_without_a_prelabel_counts(store):
    blind = label("a", "acq", label_id="blind", hidden_prelabel=True)
    fill(store, [label("a", decided_at=DAY + timedelta(days=1), hidden_prelabel=False), blind], [draw("a", "a")])
    assert [row.label for row in labeled_draws(store)] == ["acq"]


def test_labels_of_an_earlier_version_are_draws_with_their_own_probability(store):
    request = {
        "request_id": "r-a", "batch_id": "b", "trace_id": "a", "tier": 1, "stratum": "random", "split": "holdout",
        "inclusion_probability": 0.5, "reasons": ["x"], "hidden_prelabel": False, "content_key": "c-a", "asked_at": DAY,
        "prelabel_confidence": 0.6,
    }  # fmt: skip
    store.append_new("requests", rows_of(store.loop, "requests", [request]))
    fill(store, [label("a", near_key=None), label("t", stratum="certainty")], [])
    (row,) = labeled_draws(store)
    assert (row.trace_id, row.inclusion_probability, row.model_version, row.confidence) == ("a", 0.5, "1", 0.6)


def test_draws_are_bounded_by_time_and_version_as_they_were_served(store):
    served = [draw(f"d{n}", "a", ts=DAY + timedelta(days=n), model_version=str(n)) for n in range(3)]
    fill(store, [label("a", ts=DAY - timedelta(days=9), model_version="0")], served)
    bounded = labeled_draws(store, since=DAY + timedelta(days=1), until=DAY + timedelta(days=2))
    assert [row.trace_id for row in bounded] == ["d1"]
    assert [row.trace_id for row in labeled_draws(store, model_version="2")] == ["d2"]
    assert len(labeled_draws(store)) == 4


def test_labels_and_what_was_served_are_read_in_todays_classes(tmp_path):
    store = make_store(tmp_path, task={"renamed": {"buy": "acq"}, "retired": ["old"]})
    served = [draw("b", "a", predicted="buy"), draw("c", "gone", predicted="acq"), draw("d", "a", predicted="old")]
    fill(store, [label("a", "buy"), label("gone", "old")], served)
    assert [(row.trace_id, row.label, row.predicted) for row in labeled_draws(store) if row.trace_id != "a"] == [
        ("b", "acq", "acq"),
        ("d", "acq", "old"),
    ]
