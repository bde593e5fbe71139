"""Killed before or after any commit between pushing requests and publishing a dataset, and run again: the same rows."""

import os
import signal
import subprocess
import sys

from include.foundation.decisions import PublishedDataset, SelectedBatch, broken_links, find, record
from include.foundation.digests import table_digest
from tests.builders import make_store
from tests.conftest import ROOT
from tests.decision_builders import make_drift_verdict

ROWS = 9
CLOCK = {"requests": ["pushed_at"], "labels": [], "annotations": [], "quarantine": []}
STAGES = """
import json, os, signal, sys
from pathlib import Path
from include.foundation.errors import NothingToDo
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from include.foundation.store.tables import LoopStore
from tests.builders import CLASSES, KEY, day, line, make_store, write_lines

folder, limit, calls = Path(sys.argv[1]), int(sys.argv[2]), 0

def step():
    global calls
    calls += 1
    if calls == limit:
        os.kill(os.getpid(), signal.SIGKILL)

def dying(real):
    def wrapped(*arguments, **named):
        step()
        done = real(*arguments, **named)
        step()
        return done
    return wrapped

LoopStore._commit = dying(LoopStore._commit)
LoopStore.update_rows = dying(LoopStore.update_rows)
feedback = {"uri": str(folder / "feedback")}
store = make_store(folder, selection={"budget": 9, "diversify": "none"}, feedback=feedback)
write_lines(folder, [line(n) for n in range(9)])
said = {"trace_id": "t4", "ts": "2026-03-10T09:00:00Z", "kind": "explicit", "signal": "correction", "value": "earn"}
write_lines(folder, [said | {"feedback_id": "f", "user_id": "u"}], "../feedback/a.jsonl")
pull_logs(store, day(), KEY)
pull_feedback(store, day(), KEY)
select_samples(store, day())
backend = backend_for(store.loop, None)
push_requests(store, backend)
answers = folder / "labeling" / "answers" / "all.jsonl"
if not answers.exists():
    rows = store.read("requests").to_pylist()
    lines = [{"request_id": r["request_id"], "annotator": a, "label": "earn" if r["trace_id"] != "t3" else CLASSES[i],
             "created_at": "2026-03-12T08:00:00Z"} for i, a in enumerate("abc") for r in rows]
    answers.write_text("".join(json.dumps(item) + "\\n" for item in lines))
collect_annotations(store, backend, KEY)
validate_labels(store)
push_requests(store, backend)
try:
    publish_dataset(store)
except NothingToDo:
    pass
"""


def run(folder, limit):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", STAGES, str(folder), str(limit)], cwd=ROOT, env=environment, check=False
    ).returncode


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
