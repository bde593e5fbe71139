"""Push requests to the labeling backend, each exactly once in effect."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.errors import LabelingError
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling.backend_contract import LabelingBackend, LabelRequest


@dataclass(frozen=True)
class PushReport:
    """How many requests had no external id, how many were pushed now, and how many a killed push had left in the backend."""

    asked: int
    pushed: int
    already_there: int


def push_requests(store: LoopStore, backend: LabelingBackend) -> PushReport:
    """Push every request of the ledger that has no external id.

    The ledger is an outbox. Look up which of the requests the backend has, push the missing ones, look them up, and write
    their external ids into the ledger. A push that is killed anywhere and run again gives no request a second task, provided
    that only one push runs at a time.

    Raises
    ------
    LabelingError
        If the backend does not have every request afterwards; the task is retried.
    """
    unpushed = [row for row in store.read("requests").to_pylist() if row["external_id"] is None]
    if not unpushed:
        return PushReport(0, 0, 0)
    ids = [row["request_id"] for row in unpushed]
    present = backend.existing(ids)
    missing = [row for row in unpushed if row["request_id"] not in present]
    if missing:
        backend.push(_label_requests(store, missing))
    external_ids = backend.existing(ids)
    lost = sorted(set(ids) - set(external_ids))
    if lost:
        raise LabelingError(f"{len(lost)} of {len(ids)} requests are not in the backend after pushing them", lost)
    now = datetime.now(UTC)
    pushed = [row | {"external_id": external_ids[row["request_id"]], "pushed_at": now} for row in unpushed]
    store.update_rows("requests", rows_of(store.loop, "requests", pushed))
    return PushReport(len(unpushed), len(missing), len(present))


def _label_requests(store: LoopStore, requests: list[dict[str, Any]]) -> list[LabelRequest]:
    trace_ids = [row["trace_id"] for row in requests]
    rows = store.read("predictions", filters=[("trace_id", "in", trace_ids)]).to_pylist()
    predictions = {row["trace_id"]: row for row in rows}
    return [_label_request(store.loop, row, predictions[row["trace_id"]]) for row in requests]


def _label_request(loop: Loop, request: dict[str, Any], prediction: dict[str, Any]) -> LabelRequest:
    label = Taxonomy.of(loop.task).current(request["prelabel"])  # what was asked before a class was renamed or retired
    hidden = request["hidden_prelabel"] or label is None
    prelabel = None if hidden else {"label": label, "confidence": request["prelabel_confidence"]}
    return LabelRequest(
        request_id=request["request_id"],
        trace_id=request["trace_id"],
        input={name: prediction[column] for name, column in loop.input_columns.items()},
        prelabel=prelabel,
        reasons=request["reasons"],
        tier=request["tier"],
        batch_id=request["batch_id"],
    )


def pushed_requests(store: LoopStore) -> pa.Table:
    """Return the requests that the backend has."""
    return store.read("requests", filters=[("external_id", "!=", "")])
