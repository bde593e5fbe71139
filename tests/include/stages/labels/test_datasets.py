"""What a published dataset says of its labels and of what changed."""

import pytest

from include.foundation.errors import NothingToDo
from include.foundation.store.rows import rows_of
from include.stages.labels.datasets import (
    labels_by_trace_id,
    publish_dataset,
    publish_in_attempt,
    read_dataset,
    trained_on,
)
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
