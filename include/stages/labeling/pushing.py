"""Push requests to the labeling backend: exactly once in effect."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.errors import LabelingError
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import LabelingBackend, LabelTask


@dataclass(frozen=True)
class PushReport:
    """Requests that had no task yet, how many were pushed now, and how many an earlier, killed push had left there."""

    asked: int
    pushed: int
    already_there: int


def push_requests(store: LoopStore, backend: LabelingBackend) -> PushReport:
    """Push every request of the ledger that has no external id.

    The ledger is the outbox: look up what is there, push the missing, look up again, write the external ids. Killed anywhere
    and run again, no request has two tasks. One pusher at a time.

    Raises
    ------
    LabelingError
        If the backend does not have every request afterwards; the task is retried.
    """
    ledger = store.read("requests")
    waiting = [row for row in ledger.to_pylist() if row["external_id"] is None]
    if not waiting:
        return PushReport(0, 0, 0)
    ids = [row["request_id"] for row in waiting]
    before = backend.existing(ids)
    missing = [row for row in waiting if row["request_id"] not in before]
    if missing:
        backend.push(_tasks(store, missing))
    there = backend.existing(ids)
    lost = sorted(set(ids) - set(there))
    if lost:
        raise LabelingError(f"{len(lost)} of {len(ids)} requests are not in the backend after pushing them", lost)
    now = datetime.now(UTC)
    pushed = [row | {"external_id": there[row["request_id"]], "pushed_at": now} for row in waiting]
    store.update_rows("requests", rows_of(store.loop, "requests", pushed))
    return PushReport(len(waiting), len(missing), len(before))


def _tasks(store: LoopStore, requests: list[dict[str, Any]]) -> list[LabelTask]:
    wanted = [row["trace_id"] for row in requests]
    inputs = store.read("predictions", filters=[("trace_id", "in", wanted)])
    by_trace = {row["trace_id"]: row for row in inputs.to_pylist()}
    return [_task(store.loop, row, by_trace[row["trace_id"]]) for row in requests]


def _task(loop: Loop, request: dict[str, Any], prediction: dict[str, Any]) -> LabelTask:
    shown = None if request["hidden_prelabel"] else {
        "label": request["prelabel"], "confidence": request["prelabel_confidence"]
    }  # fmt: skip
    return LabelTask(
        request_id=request["request_id"],
        trace_id=request["trace_id"],
        input={name: prediction[column] for name, column in loop.input_columns.items()},
        prelabel=shown,
        reasons=request["reasons"],
        tier=request["tier"],
        batch_id=request["batch_id"],
    )


def pushed_requests(store: LoopStore) -> pa.Table:
    """Return the requests that the backend has."""
    return store.read("requests", filters=[("external_id", "!=", "")])
