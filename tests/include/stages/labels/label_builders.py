"""How tests of labels ask, answer and collect."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.foundation.store.tables import LoopStore
from include.stages.labeling.backends import backend_for
from include.stages.labeling.collecting import CollectReport, collect_annotations
from include.stages.labeling.pushing import push_requests
from include.stages.logs.pulling import pull_logs
from include.stages.selection.selecting import select_samples
from tests.builders import CLASSES, KEY, day, line, make_store, write_lines

ANNOTATORS = ("ann", "bob", "cat")


def pushed_store(folder: Path, rows: int = 12, **overrides: Any) -> tuple[LoopStore, dict[str, str]]:
    """Return a store whose rows are all asked about and pushed, and the request ids by trace id."""
    store = make_store(folder, **{"selection": {"budget": rows, "diversify": "none"}, **overrides})
    return store, ask(folder, store, range(rows))


def ask(folder: Path, store: LoopStore, rows: Sequence[int], number: int = 0) -> dict[str, str]:
    """Log rows on a day, ask about them, push, and return the day's request ids by trace id."""
    write_lines(folder, [line(n, when=day(number).start) for n in rows], f"{number}.jsonl")
    pull_logs(store, day(number), KEY)
    select_samples(store, day(number))
    push_requests(store, backend_for(store.loop, None))
    ledger = store.read("requests", filters=[("batch_id", "=", day(number).key)]).to_pylist()
    return {row["trace_id"]: row["request_id"] for row in ledger}


def write_answers(folder: Path, name: str, labels: Mapping[str, str | None], *, minute: int = 0, **fields: Any) -> None:
    """Append one annotator's answers, given as request id → label, to a file of their own."""
    path = folder / "labeling" / "answers" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    same = {"annotator": name, "created_at": datetime(2026, 3, 12, 8, minute, tzinfo=UTC).isoformat(), **fields}
    with path.open("a") as file:
        for request_id, label in labels.items():
            file.write(json.dumps({"request_id": request_id, "label": label, **same}) + "\n")


def everyone_answers(
    folder: Path, requests: Mapping[str, str], label_of: Callable[[str], str | None], **fields: Any
) -> None:
    """Let every annotator give the same answer, which depends on the trace id."""
    for name in ANNOTATORS:
        write_answers(folder, name, {request: label_of(trace) for trace, request in requests.items()}, **fields)


def collect(store: LoopStore) -> CollectReport:
    return collect_annotations(store, backend_for(store.loop, None), KEY)


def truth(trace_id: str) -> str:
    return CLASSES[int(trace_id[1:]) % 3]
