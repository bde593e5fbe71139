"""No dataset is published whose training labels have lost the classes that are served, unless a person allows it."""

import pytest

from include.foundation.decisions import PublishedDataset, find
from include.foundation.errors import DataQualityError
from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset
from tests.builders import CLASSES, make_store
from tests.include.stages.labels.test_label_origins import label


def served(number, name, probability=0.1):
    """A held-out label of a row that was drawn at random, in no draw of its own."""
    drawn = {"split": "holdout", "stratum": "random", "inclusion_probability": probability}
    return label(number, label=name, **drawn)


def store_of(folder, train, drawn, **labels):
    store = make_store(folder, labels=labels)
    rows = [label(number, label=name) for number, name in enumerate(train)]
    held = [served(1000 + number, name) for number, name in enumerate(drawn)]
    draws = [
        {"batch_id": "b", "trace_id": row["trace_id"], "stratum": "random", "inclusion_probability": 0.1, "ts": row["ts"],
         "model_version": "1", "predicted": "earn", "content_key": row["content_key"], "asked_trace_id": row["trace_id"],
         "drawn_at": row["ts"]}
        for row in held
    ]  # fmt: skip
    store.append_new("labels", rows_of(store.loop, "labels", rows + held))
    store.append_new("draws", rows_of(store.loop, "draws", draws))
    return store


def test_labels_of_one_class_where_several_are_served_are_not_published(tmp_path):
    store = store_of(tmp_path, ["earn"] * 60, [*CLASSES] * 20)
    with pytest.raises(DataQualityError, match=r"in effect of 1\.0 classes, .* served of 3\.0: .*min_class_diversity"):
        publish_dataset(store)
    assert find(store, PublishedDataset) == []
    published = publish_dataset(store, anyway=True)
    assert published.allowed
    assert any(reason.startswith("A person allowed it (publish_anyway): labels to") for reason in published.reasons)


def test_both_problems_are_told_at_once(tmp_path):
    store = store_of(tmp_path, [], [*CLASSES] * 20)
    rows = [label(number, origin="accepted", hidden_prelabel=False) for number in range(100)]
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    with pytest.raises(DataQualityError) as caught:
        publish_dataset(store)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("train", "drawn", "least"),
    [
        ([*CLASSES] * 20, [*CLASSES] * 20, 0.5),
        (["earn"] * 60, [*CLASSES] * 20, 0.0),
        (["earn"] * 60, ["earn"] * 60, 0.5),
        (["earn"] * 57 + ["acq"] * 3, ["earn"] * 95 + ["acq"] * 5, 0.5),
        (["earn"] * 5, ["earn"] * 4 + ["acq"], 0.5),  # which may be chance
        (["earn"] * 60, [], 0.5),
    ],
    ids=["alike", "no floor", "one class is served", "rare class", "few", "nothing drawn"],
)
def test_other_datasets_are_published(tmp_path, train, drawn, least):
    published = publish_dataset(store_of(tmp_path, train, drawn, min_class_diversity=least))
    assert not published.allowed
    assert any("In effect they are of" in reason for reason in published.reasons) == bool(drawn)


def test_effective_classes_are_told_by_origin(tmp_path):
    store = store_of(tmp_path, [*CLASSES] * 10, [*CLASSES] * 10)
    rows = [label(number, origin="accepted", hidden_prelabel=False) for number in range(100, 110)]
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    (told,) = (reason for reason in publish_dataset(store).reasons if reason.startswith("In effect"))
    assert "shown pre-labels that were accepted: 1.0, given without a pre-label: 3.0" in told
