"""Killed before or after any commit between pushing requests and publishing a dataset, and run again: the same rows."""

import signal

from include.foundation.decisions import PublishedDataset, SelectedBatch, broken_links, find, record
from include.foundation.digests import table_digest
from tests.builders import make_store
from tests.decision_builders import make_drift_verdict
from tests.forks import Forked
from tests.include.stages.labels.dying_labels import ROWS, label_and_publish

CLOCK = {"requests": ["pushed_at"], "labels": [], "annotations": [], "quarantine": []}


def run(folder, limit):
    return Forked(label_and_publish, folder, limit).wait()


def state(folder):
    store = make_store(folder)
    tables = {name: store.read(name) for name in CLOCK}
    return {name: table_digest(table.drop_columns(CLOCK[name])) for name, table in tables.items()}, [
        (decision.kind, decision.subject)
        for kind in (SelectedBatch, PublishedDataset)
        for decision in find(store, kind)
    ]


def test_labeling_killed_right_after_each_commit_ends_as_if_it_never_was(tmp_path):
    """Every attempt dies right after its first commit, until one has none left to make: each goes on from what is there."""
    (tmp_path / "calm").mkdir()
    (tmp_path / "killed").mkdir()
    assert run(tmp_path / "calm", 0) == 0
    attempts = 0
    while attempts < 30 and run(tmp_path / "killed", 2) == -signal.SIGKILL:
        attempts += 1
    assert 7 <= attempts < 30
    assert state(tmp_path / "killed") == state(tmp_path / "calm")
    store = make_store(tmp_path / "killed")
    assert store.read("labels").num_rows == ROWS - 1
    assert store.read("requests").num_rows == ROWS + 1  # of which one is held for a person
    assert store.read("annotations").num_rows == 3 * ROWS + 1  # with what a user corrected
    record(
        store, make_drift_verdict("next")
    )  # whoever is killed right after a decision leaves it to the next to note its end
    assert broken_links(store) == []
