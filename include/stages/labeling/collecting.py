"""Wait for people, and take in what they answered."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.digests import digest_of
from include.foundation.lines.refusals import refusal
from include.foundation.lines.values import pseudonym
from include.foundation.store.ledgers.outcomes import settled_requests
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labeling.backend_contract import Answer, LabelingBackend
from include.stages.labeling.pushing import pushed_requests


@dataclass(frozen=True)
class Progress:
    """How far the open requests are.

    Attributes
    ----------
    open
        Requests that are pushed and not settled.
    answered
        Those of them that have as many annotators as the loop file asks for.
    complete
        Whether waiting is over.
    reason
        Why it is, or what is waited for.
    passed_deadline
        The last of the deadlines, if waiting is over because all of them passed.
    """

    open: int
    answered: int
    complete: bool
    reason: str
    passed_deadline: datetime | None = None


@dataclass(frozen=True)
class CollectReport:
    """Answers that are new, and lines that are no answers."""

    new: int
    refused: int


def progress(store: LoopStore, backend: LabelingBackend) -> Progress:
    """Say whether waiting for answers is over: nothing open, quorum reached, or every deadline passed.

    A request is open while it is pushed and neither labeled nor set aside. The deadline runs by the clock, from the push.
    """
    labeling = store.loop.labeling
    settled = settled_requests(store)
    waiting = [row for row in pushed_requests(store).to_pylist() if row["request_id"] not in settled]
    if not waiting:
        return Progress(0, 0, complete=True, reason="no request is open")
    found = backend.answers({row["request_id"]: row["trace_id"] for row in waiting}).rows
    annotators: dict[str, set[str]] = {}
    for answer in found:
        annotators.setdefault(answer.request_id, set()).add(answer.annotator)
    answered = sum(len(annotators.get(row["request_id"], ())) >= labeling.overlap for row in waiting)
    limit = timedelta(hours=labeling.deadline_hours)
    last_deadline = max(row["pushed_at"] for row in waiting) + limit
    if answered >= labeling.quorum * len(waiting):
        return Progress(len(waiting), answered, complete=True, reason=f"quorum: {answered} of {len(waiting)} answered")
    if last_deadline <= datetime.now(UTC):
        reason = f"deadline: {labeling.deadline_hours:g} hours passed, {answered} of {len(waiting)} answered"
        return Progress(len(waiting), answered, complete=True, reason=reason, passed_deadline=last_deadline)
    wanted = f"quorum is {labeling.quorum:.0%}, the deadline {labeling.deadline_hours:g} hours after the push"
    return Progress(len(waiting), answered, complete=False, reason=wanted)


def collect_annotations(store: LoopStore, backend: LabelingBackend, pseudonym_key: bytes) -> CollectReport:
    """Append the answers that are new; what is no answer goes to quarantine.

    Annotators are kept as pseudonyms. Every pushed request counts, also one that has its label: a late answer may change it.
    """
    pushed = pushed_requests(store).to_pylist()
    found = backend.answers({row["request_id"]: row["trace_id"] for row in pushed})
    rows = [_row(answer, pseudonym_key) for answer in found.rows]
    new = store.append_new("annotations", rows_of(store.loop, "annotations", rows))
    refused = [refusal("answers", source, line, None) for source, line in found.refused]
    refusals = store.append_new("quarantine", rows_of(store.loop, "quarantine", refused))
    return CollectReport(new.num_rows, refusals.num_rows)


def _row(answer: Answer, key: bytes) -> dict[str, Any]:
    annotator = pseudonym(answer.annotator, key)
    return {
        "annotation_id": digest_of(answer.request_id, annotator, answer.created_at, answer.label)[:32],
        "request_id": answer.request_id,
        "trace_id": answer.trace_id,
        "annotator": annotator,
        "label": answer.label,
        "comment": answer.comment,
        "lead_time_seconds": answer.lead_time_seconds,
        "created_at": answer.created_at,
        "source": answer.source,
    }
