"""From logs to a dataset, in a process that kills itself beside a commit."""

import contextlib
import json
from pathlib import Path

from include.foundation.errors import NothingToDo
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.labels.dataset_publishing import publish_dataset
from include.stages.labels.label_validation import validate_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import CLASSES, KEY, day, line, make_store, write_lines
from tests.forks import Steps

ROWS = 9


def label_and_publish(folder: Path, limit: int) -> None:
    """Do everything between a pull and a dataset, and die at a moment."""
    steps = Steps(limit)
    LoopStore._commit = steps.around(LoopStore._commit)
    LoopStore.update_rows = steps.around(LoopStore.update_rows)
    feedback = {"uri": str(folder / "feedback")}
    store = make_store(folder, selection={"budget": ROWS, "diversify": "none"}, feedback=feedback)
    write_lines(folder, [line(n) for n in range(ROWS)])
    said = {"trace_id": "t4", "ts": "2026-03-10T09:00:00Z", "kind": "explicit", "signal": "correction", "value": "earn"}
    write_lines(folder, [said | {"feedback_id": "f", "user_id": "u"}], "../feedback/a.jsonl")
    pull_logs(store, day(), KEY)
    pull_feedback(store, day(), KEY)
    select_samples(store, day())
    backend = backend_for(store.loop, None)
    push_requests(store, backend)
    answer(store, folder / "labeling" / "answers" / "all.jsonl")
    collect_annotations(store, backend, KEY)
    validate_labels(store)
    push_requests(store, backend)
    with contextlib.suppress(NothingToDo):
        publish_dataset(store)


def answer(store: LoopStore, answers: Path) -> None:
    """Let three people answer everything, who agree but for one row; once."""
    if answers.exists():
        return
    lines = [
        {
            "request_id": row["request_id"],
            "annotator": annotator,
            "label": "earn" if row["trace_id"] != "t3" else CLASSES[place],
            "created_at": "2026-03-12T08:00:00Z",
        }
        for place, annotator in enumerate("abc")
        for row in store.read("requests").to_pylist()
    ]
    answers.write_text("".join(json.dumps(item) + "\n" for item in lines))
