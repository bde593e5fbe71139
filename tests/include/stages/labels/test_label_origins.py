"""Where labels come from, and that no dataset is published of labels that only confirm the model."""

from typing import Any

import pytest

from include.foundation.decisions import PublishedDataset, find
from include.foundation.errors import DataQualityError
from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.label_origins import Remark, origin_of, origins, own_labels
from include.stages.labels.label_validation import validate_labels
from tests.builders import DAY, make_loop, make_store
from tests.include.stages.labels.label_builders import collect, everyone_answers, pushed_store


@pytest.mark.parametrize(
    ("label", "prelabel", "is_hidden", "origin"),
    [
        ("earn", "earn", False, "accepted"),
        ("acq", "earn", False, "corrected"),
        ("earn", "earn", True, "fresh"),
        ("acq", "earn", True, "fresh"),
        ("earn", None, False, "fresh"),  # of a retired class, nobody was shown
    ],
)
def test_origin_of_a_label(label, prelabel, is_hidden, origin):
    assert origin_of(label, prelabel, is_hidden=is_hidden) == origin


@pytest.mark.parametrize(
    ("share", "answer", "found"),
    [(0.0, "earn", {"accepted", "corrected", "fresh"}), (1.0, "earn", {"fresh"})],
)
def test_labels_say_whether_people_saw_what_they_gave(tmp_path, share, answer, found):
    store, requests = pushed_store(tmp_path, labeling={"hidden_prelabel_share": share})
    everyone_answers(tmp_path, requests, lambda _: answer)
    collect(store)
    validate_labels(store)
    rows = store.read("labels").to_pylist()
    assert {row["origin"] for row in rows} == found
    for row in rows:
        assert row["origin"] == origin_of(row["label"], row["predicted"], is_hidden=row["hidden_prelabel"])


def label(number, **changes):
    return {
        "label_id": f"l{number:03d}", "trace_id": f"t{number}", "request_id": f"r{number}", "label": "earn",
        "decided_by": "dawid_skene", "origin": "fresh", "split": "train", "stratum": "certainty",
        "inclusion_probability": 1.0, "content_key": f"k{number}", "near_key": f"k{number}", "predicted": "earn",
        "model_version": "1", "ts": DAY, "decided_at": DAY, "input_text": f"text {number}", "hidden_prelabel": True,
    } | changes  # fmt: skip


def labeled_store(folder, accepted, fresh, **sections):
    store = make_store(folder, **sections)
    shown = [label(n, origin="accepted", hidden_prelabel=False) for n in range(accepted)]
    rows = shown + [label(n) for n in range(accepted, accepted + fresh)]
    store.append_new("labels", rows_of(store.loop, "labels", rows))
    return store


def test_labels_of_an_earlier_version_are_told_by_what_was_shown(tmp_path):
    store = make_store(tmp_path)
    changes: list[dict[str, Any]] = [
        {}, {"hidden_prelabel": False}, {"hidden_prelabel": False, "predicted": "acq"}, {"hidden_prelabel": None}
    ]  # fmt: skip
    rows = [label(number, origin="annotation", **each) for number, each in enumerate(changes)]
    found = rows_of(store.loop, "labels", [*rows, label(9, origin="seed", hidden_prelabel=None)])
    assert origins(found) == {"accepted": 1, "corrected": 1, "fresh": 2, "seed": 1}


def test_dataset_that_only_confirms_the_model_is_not_published(tmp_path):
    store = labeled_store(tmp_path, accepted=198, fresh=2)
    with pytest.raises(DataQualityError, match=r"198 of 200 labels .* labels.max_accepted_share is 0.90") as caught:
        publish_dataset(store)
    assert "labeling.hidden_prelabel_share" in str(caught.value)
    assert find(store, PublishedDataset) == []


def test_person_may_have_it_published_all_the_same_and_that_is_noted(tmp_path):
    store = labeled_store(tmp_path, accepted=198, fresh=2)
    published = publish_dataset(store, anyway=True)
    assert (published.allowed, published.origins) == (True, {"accepted": 198, "fresh": 2})
    assert any(reason.startswith("A person allowed it (publish_anyway): 198 of 200") for reason in published.reasons)


@pytest.mark.parametrize(
    ("accepted", "fresh", "most"),
    [(80, 20, 0.9), (198, 2, 1.0), (9, 0, 0.9), (0, 30, 0.0)],  # nine of nine may be chance
)
def test_other_datasets_are_published_and_say_where_labels_come_from(tmp_path, accepted, fresh, most):
    store = labeled_store(tmp_path, accepted, fresh, labels={"max_accepted_share": most})
    published = publish_dataset(store, anyway=True)
    assert not published.allowed
    assert sum(published.origins.values()) == accepted + fresh
    assert sum("Of the labels to train on, " in reason for reason in published.reasons) == 1


def test_no_training_label_is_nothing_to_say(tmp_path):
    assert own_labels(make_loop(tmp_path), {}) == Remark()
