"""What a published dataset says of its labels and of what changed."""

import pyarrow as pa
import pytest

from include.foundation.decisions import record
from include.foundation.digests import column_digest
from include.foundation.errors import NothingToDo
from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset, publish_in_attempt
from include.stages.labels.datasets import NOT_DIGESTED, labels_by_trace_id, read_dataset, trained_on
from include.stages.labels.splits import former_splits_of
from tests.builders import DAY, make_store


def label(number, **changes):
    return {
        "label_id": f"l{number}", "trace_id": f"t{number}", "label": "earn", "decided_by": "seed", "origin": "seed",
        "split": "train", "stratum": "seed", "inclusion_probability": 1.0, "content_key": f"c{number}", "ts": DAY,
        "decided_at": DAY, **changes,
    }  # fmt: skip


def add(store, *labels):
    store.append_new("labels", rows_of(store.loop, "labels", list(labels)))


@pytest.fixture
def published(tmp_path):
    """A store with a dataset of five labels, two of them held out, and then three changes."""
    store = make_store(tmp_path)
    add(store, label(0), label(1, label="acq"), label(2), label(3, split="holdout"), label(4, split="holdout"))
    first = publish_dataset(store)
    add(store, label(5), label(6, trace_id="t1", label="grain", supersedes="l1", content_key="c1"))
    add(store, label(7, split="holdout", content_key="c2"))
    return store, first, publish_dataset(store)


def test_dataset_counts_splits_and_classes(published):
    _, first, second = published
    assert (first.train, first.holdout, first.classes) == (3, 2, {"acq": 1, "earn": 2})
    assert (second.train, second.holdout, second.classes) == (3, 3, {"earn": 2, "grain": 1})
    assert (first.subject, len(first.digest)) == (first.digest[:16], 64)
    assert first.labels_version < second.labels_version


def test_dataset_says_what_changed(published):
    _, first, second = published
    assert (first.added, first.changed, first.removed) == (5, 0, 0)
    assert (second.added, second.changed, second.removed) == (2, 1, 1)
    assert second.reasons == (
        "3 labels to train on and 3 held out; since the last dataset 2 added, 1 changed, 1 removed.",
        "Of the labels to train on, 3 seeds.",
    )


def test_datasets_are_read_as_they_were(published):
    store, first, second = published
    assert trained_on(store, first.subject) == {"l0", "l1", "l2"}
    assert trained_on(store, second.subject) == {"l0", "l5", "l6"}
    assert labels_by_trace_id(store, first.subject) == {
        "t0": "earn",
        "t1": "acq",
        "t2": "earn",
        "t3": "earn",
        "t4": "earn",
    }
    assert read_dataset(store, second.subject).holdout.column("trace_id").to_pylist() == ["t3", "t4", "t7"]


@pytest.mark.parametrize("column", ["label_id", "request_id", "decided_at"])
def test_name_does_not_depend_on_ids_and_times_of_deciding(tmp_path, column):
    names = set()
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        store = make_store(folder)
        value = DAY.replace(year=2020 + number) if column == "decided_at" else f"x{number}"
        add(store, label(0, **{column: value}))
        names.add(publish_dataset(store).subject)
    assert len(names) == 1


def test_later_attempt_returns_what_was_published_and_the_first_skips(published):
    store, _, second = published
    with pytest.raises(NothingToDo, match="No label changed since dataset"):
        publish_in_attempt(store, 1)
    assert publish_in_attempt(store, 2).subject == second.subject


def test_without_a_label_there_is_nothing_to_publish(tmp_path):
    for attempt in (1, 2):
        with pytest.raises(NothingToDo, match="no label yet"):
            publish_in_attempt(make_store(tmp_path), attempt)


@pytest.mark.parametrize("column", ["content_key", "near_key", "group_key"])
def test_what_is_held_out_is_not_trained_on_nor_what_is_near_it_or_of_its_group(tmp_path, column):
    store = make_store(tmp_path)
    add(store, label(0, **{column: "k"}), label(1, near_key="n"), label(2, split="holdout", **{column: "k"}))
    published = publish_dataset(store)
    assert trained_on(store, published.subject) == {"l1"}


def test_newest_answer_to_a_content_that_was_asked_again_is_trained_on(tmp_path):
    store = make_store(tmp_path)
    again = {"content_key": "c", "near_key": "n"}
    add(store, label(0, **again), label(1, **again, label="acq", decided_at=DAY.replace(year=2027)), label(2))
    assert trained_on(store, publish_dataset(store).subject) == {"l1", "l2"}


def test_label_of_a_drawn_row_is_not_trained_on_and_its_content_still_is(tmp_path):
    store = make_store(tmp_path)
    again = {"content_key": "c", "near_key": "n"}
    add(store, label(0, **again), label(2))
    first = publish_dataset(store)
    add(store, label(1, **again, stratum="random", label="acq", decided_at=DAY.replace(year=2027)))
    second = publish_dataset(store)
    assert trained_on(store, first.subject) == trained_on(store, second.subject) == {"l0", "l2"}
    assert first.subject != second.subject


def test_dataset_of_an_earlier_version_that_trained_on_drawn_rows_is_still_read(tmp_path):
    store = make_store(tmp_path)
    again = {"content_key": "c", "near_key": "n"}
    add(store, label(0, **again), label(2), label(3, split="holdout"))
    add(store, label(1, **again, stratum="random", label="acq", decided_at=DAY.replace(year=2027)))
    published = publish_dataset(store)
    train, holdout = former_splits_of(store.read("labels"))
    digest = column_digest(pa.concat_tables([train, holdout]).drop_columns(list(NOT_DIGESTED)))
    assert digest != published.digest
    record(store, published.model_copy(update={"subject": digest[:16], "digest": digest}))
    assert read_dataset(store, digest[:16]).digest == digest


def test_dataset_has_the_rows_that_were_drawn_until_then_with_the_labels_of_their_content(tmp_path):
    store = make_store(tmp_path)

    def draw(number, asked):
        row = {
            "batch_id": "b", "trace_id": f"t{number}", "stratum": "random", "inclusion_probability": 0.1, "ts": DAY,
            "model_version": "1", "predicted": "acq", "content_key": f"c{asked}", "asked_trace_id": f"t{asked}",
            "drawn_at": DAY,
        }  # fmt: skip
        store.append_new("draws", rows_of(store.loop, "draws", [row]))

    add(store, label(0), label(1, split="holdout", stratum="random"))
    draw(1, 1)
    draw(9, 0)
    first = publish_dataset(store)
    draw(8, 0)
    add(store, label(2))
    second = publish_dataset(store)
    for published, drawn in ((first, {"t1", "t9"}), (second, {"t1", "t8", "t9"})):
        rows = read_dataset(store, published.subject).drawn
        assert set(rows.column("trace_id").to_pylist()) == drawn
        assert set(rows.column("predicted").to_pylist()) == {"acq"}


def test_dataset_of_an_earlier_version_is_read_with_its_random_labels_as_draws(tmp_path):
    store = make_store(tmp_path)
    add(store, label(0), label(1, split="holdout", stratum="random", inclusion_probability=0.25, predicted="earn"))
    rows = read_dataset(store, publish_dataset(store).subject).drawn
    assert rows.select(["trace_id", "inclusion_probability"]).to_pylist() == [
        {"trace_id": "t1", "inclusion_probability": 0.25}
    ]
