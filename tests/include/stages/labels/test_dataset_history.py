"""A dataset is a version of the labels: it can be read for as long as the loop file says, which is for good."""

import os
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from include.foundation.decisions import record
from include.foundation.digests import table_digest
from include.foundation.errors import ContractError, NothingToDo, VersionGoneError
from include.foundation.store.rows import rows_of
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.datasets import read_dataset
from tests.builders import DAY, make_store
from tests.decision_builders import make_dataset_decision

MONTH_AND_MORE = 40 * 86_400
PROPERTIES = ("delta.enableExpiredLogCleanup", "delta.logRetentionDuration", "delta.deletedFileRetentionDuration")


def label(number):
    return {
        "label_id": f"l{number}", "trace_id": f"t{number}", "label": "earn", "decided_by": "seed", "origin": "seed",
        "split": "train", "stratum": "seed", "inclusion_probability": 1.0, "content_key": f"c{number}", "ts": DAY,
        "decided_at": DAY,
    }  # fmt: skip


def append(store, numbers):
    for number in numbers:
        store.append_new("labels", rows_of(store.loop, "labels", [label(number)]))


def live_on(store):
    """Append for a while, a checkpoint of the log included, let forty days pass, and go on."""
    append(store, range(3, 20))
    then = time.time() - MONTH_AND_MORE
    for path in Path(store.uri, "labels", "_delta_log").iterdir():
        os.utime(path, (then, then))
    append(store, range(20, 60))


def properties(store):
    configuration = DeltaTable(f"{store.uri}/labels").metadata().configuration
    return [configuration.get(name) for name in PROPERTIES]


def test_dataset_of_last_month_is_read_after_many_more_commits(tmp_path):
    store = make_store(tmp_path)
    append(store, range(3))
    published = publish_dataset(store)
    live_on(store)
    assert read_dataset(store, published.subject).train.num_rows == 3
    assert publish_dataset(store).added == 57


def test_table_of_an_earlier_version_keeps_its_history_from_the_next_append_on(tmp_path):
    store = make_store(tmp_path)
    append(store, range(3))
    table = DeltaTable(f"{store.uri}/labels")
    table.alter.set_table_properties(
        dict(zip(PROPERTIES, ("true", "interval 30 days", "interval 7 days"), strict=True))
    )
    published = publish_dataset(store)
    live_on(store)
    assert read_dataset(store, published.subject).train.num_rows == 3
    assert properties(store) == ["false", "interval 36500 days", "interval 36500 days"]


def test_loop_file_may_bound_the_history(tmp_path):
    append(make_store(tmp_path), range(1))
    store = make_store(tmp_path, labels={"history_days": 90})
    append(store, range(2))
    assert properties(store) == ["true", "interval 90 days", "interval 90 days"]


def test_dataset_whose_version_is_gone_says_so_and_stops_no_loop(tmp_path):
    store = make_store(tmp_path, labels={"history_days": 30})
    append(store, range(3))
    published = publish_dataset(store)
    live_on(store)
    with pytest.raises(VersionGoneError, match="version 2 is not there any more"):
        read_dataset(store, published.subject)
    republished = publish_dataset(store)
    assert (republished.train, republished.added) == (60, None)
    assert "what changed is not known" in republished.reasons[0]


def test_dataset_that_an_earlier_version_named_is_read_under_its_name(tmp_path):
    store = make_store(tmp_path)
    append(store, range(3))
    rows = store.read("labels")
    digest = table_digest(rows.drop_columns(["label_id", "supersedes", "decided_at", "request_id"]))
    version = store.version("labels")
    published = record(store, make_dataset_decision(subject=digest[:16], digest=digest, labels_version=version))
    assert read_dataset(store, published.subject).digest == digest
    record(store, make_dataset_decision(subject="f" * 16, digest="f" * 64, labels_version=version))
    with pytest.raises(ContractError, match="expected ffff"):
        read_dataset(store, "f" * 16)


INPUTS = {"text": {"type": "text"}, "words": {"type": "numeric"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": INPUTS | {"pixels": {"type": "vector", "size": 2}}}, {"inputs": {"text": {"type": "text"}}},
        {"segments": []}, {"segments": ["desk", "country"]},
    ],
    ids=["an input more", "an input less", "a segment less", "a segment more"],
)  # fmt: skip
def test_dataset_is_read_whatever_inputs_and_segments_the_loop_file_names_since(tmp_path, changes):
    store = make_store(tmp_path, inputs=INPUTS)
    told = {"input_text": "a story", "input_words": 2.0, "segment_desk": "eu"}
    store.append_new("labels", rows_of(store.loop, "labels", [label(1) | told, label(2) | told]))
    published = publish_dataset(store)
    changed = make_store(tmp_path, **{"inputs": INPUTS} | changes)
    assert read_dataset(changed, published.subject).train.column_names == changed.schema("labels").names
    with pytest.raises(NothingToDo, match="No label changed"):
        publish_dataset(changed)
    changed.append_new("labels", rows_of(changed.loop, "labels", [label(3)]))
    later = publish_dataset(changed)
    assert (later.train, later.added, later.changed) == (3, 1, 0)
    for reader in (store, changed, make_store(tmp_path, inputs=INPUTS)):
        assert read_dataset(reader, published.subject).train.num_rows == 2
        assert read_dataset(reader, later.subject).train.num_rows == 3
