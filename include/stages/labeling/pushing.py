"""Push requests to the labeling backend, each exactly once in effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.escalation_section import Lead
from include.foundation.config.loop_file import Loop
from include.foundation.errors import LabelingError
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling.assignment import assigned_people
from include.stages.labeling.backend_contract import LabelingBackend, LabelRequest
from include.stages.labeling.requested_rows import feedback_on, requested_predictions


@dataclass(frozen=True)
class PushReport:
    """What was pushed.

    Attributes
    ----------
    asked
        Requests that had no external id.
    pushed, already_there
        Those that were pushed now, and those that a killed push had left in the backend.
    batch
        The batch of all of them; None where there are none, or they are of several.
    """

    asked: int
    pushed: int
    already_there: int
    batch: str | None = None


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
    ledger = store.read("requests")
    unpushed = ledger.filter(pc.is_null(ledger.column("external_id"))).to_pylist()
    if not unpushed:
        return PushReport(0, 0, 0)
    requests = _label_requests(store, unpushed)
    present = backend.existing(requests)
    missing = [request for request in requests if request.request_id not in present]
    if missing:
        backend.push(missing)
    external_ids = backend.existing(requests)
    lost = sorted({request.request_id for request in requests} - set(external_ids))
    if lost:
        raise LabelingError(f"{len(lost)} of {len(requests)} requests are not in the backend after pushing them", lost)
    now = datetime.now(UTC)
    pushed = [row | {"external_id": external_ids[row["request_id"]], "pushed_at": now} for row in unpushed]
    store.update_rows("requests", rows_of(store.loop, "requests", pushed))
    batches = {row["batch_id"] for row in unpushed}
    return PushReport(len(unpushed), len(missing), len(present), batches.pop() if len(batches) == 1 else None)


def open_requests(store: LoopStore) -> pa.Table:
    """Return the requests that the backend has and that are not resolved: ids, ``pushed_at`` and ``tier``.

    What is held for a `Lead` is not among them: nobody waits for it.
    """
    columns = ["request_id", "trace_id", "pushed_at", "tier"]
    filters: Filter = [("external_id", "!=", "")]
    if isinstance(store.loop.tiers[-1], Lead):
        filters.append(("tier", "<", len(store.loop.tiers)))
    pushed = store.read("requests", columns=columns, filters=filters)
    resolved = pa.array(resolved_requests(store), pa.string())
    return pushed.filter(pc.invert(pc.is_in(pushed.column("request_id"), value_set=resolved)))


def _label_requests(store: LoopStore, requests: list[dict[str, Any]]) -> list[LabelRequest]:
    predictions = requested_predictions(store, requests)
    feedback = feedback_on(store, predictions.values())
    return [
        _label_request(store.loop, row, predictions[row["request_id"]], feedback.get(row["trace_id"], []))
        for row in requests
    ]


def _label_request(
    loop: Loop, request: Mapping[str, Any], prediction: Mapping[str, Any], feedback: Sequence[str]
) -> LabelRequest:
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
        ts=prediction["ts"],
        model_version=prediction["model_version"],
        segments={
            name: prediction[column] for name, column in loop.segment_columns.items() if prediction[column] is not None
        },
        feedback=[] if hidden else list(feedback),
        assigned_to=assigned_people(loop, request["trace_id"], request["batch_id"], request["tier"]),
    )
