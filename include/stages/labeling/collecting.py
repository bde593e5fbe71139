"""Whether waiting for annotators is over, and the collection of their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.foundation.digests import digest_of
from include.foundation.lines.refusals import refusal
from include.foundation.lines.values import pseudonym
from include.foundation.store.ledgers.annotations import Annotation, append_annotations
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.person_keys import person_key
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
        How many requests were pushed and are not resolved.
    answered
        How many of them have answers of as many annotators as the loop file asks for.
    complete
        Whether waiting is over.
    reason
        Why it is over, or what is waited for.
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
    """How many answers were new, and how many lines were refused because they are no answers."""

    new: int
    refused: int


def progress(store: LoopStore, backend: LabelingBackend) -> Progress:
    """Return whether waiting for answers is over: nothing is open, the quorum is reached, or every deadline has passed.

    A request is open if it was pushed and is not resolved. Its deadline is counted from the push, by the clock.
    """
    labeling = store.loop.labeling
    resolved = resolved_requests(store)
    open_requests = [row for row in pushed_requests(store).to_pylist() if row["request_id"] not in resolved]
    if not open_requests:
        return Progress(0, 0, complete=True, reason="no request is open")
    total, answered = len(open_requests), _answered_in_full(open_requests, backend, labeling.overlap)
    if answered >= labeling.quorum * total:
        return Progress(total, answered, complete=True, reason=f"quorum: {answered} of {total} answered")
    last_deadline = max(row["pushed_at"] for row in open_requests) + timedelta(hours=labeling.deadline_hours)
    if last_deadline <= datetime.now(UTC):
        reason = f"deadline: {labeling.deadline_hours:g} hours passed, {answered} of {total} answered"
        return Progress(total, answered, complete=True, reason=reason, passed_deadline=last_deadline)
    reason = f"quorum is {labeling.quorum:.0%}, the deadline {labeling.deadline_hours:g} hours after the push"
    return Progress(total, answered, complete=False, reason=reason)


def collect_annotations(store: LoopStore, backend: LabelingBackend, pseudonym_key: bytes) -> CollectReport:
    """Append the answers that are new to ``annotations``; lines that are no answers go to the quarantine.

    Answers to resolved requests are collected too, since a late answer may change a label.

    Parameters
    ----------
    store
        Tables of the loop.
    backend
        Where the answers are.
    pseudonym_key
        The store's key of pseudonyms, under which annotators are stored.
    """
    pushed = pushed_requests(store).to_pylist()
    answers = backend.answers({row["request_id"]: row["trace_id"] for row in pushed})
    key = person_key(store, pseudonym_key, "annotator")
    new = append_annotations(store, [_annotation(answer, key) for answer in answers.rows])
    refusals = [refusal("answers", source, line, None) for source, line in answers.refused]
    refused = store.append_new("quarantine", rows_of(store.loop, "quarantine", refusals))
    return CollectReport(new, refused.num_rows)


def _answered_in_full(requests: Sequence[Mapping[str, Any]], backend: LabelingBackend, overlap: int) -> int:
    """Return how many of the requests have answers of at least ``overlap`` annotators."""
    annotators: dict[str, set[str]] = {}
    for answer in backend.answers({row["request_id"]: row["trace_id"] for row in requests}).rows:
        annotators.setdefault(answer.request_id, set()).add(answer.annotator)
    return sum(len(annotators.get(row["request_id"], ())) >= overlap for row in requests)


def _annotation(answer: Answer, key: bytes) -> Annotation:
    annotator = pseudonym(answer.annotator, key)
    return Annotation(
        annotation_id=digest_of(answer.request_id, annotator, answer.created_at, answer.label)[:32],
        request_id=answer.request_id,
        trace_id=answer.trace_id,
        annotator=annotator,
        label=answer.label,
        created_at=answer.created_at,
        source=answer.source,
        comment=answer.comment,
        lead_time_seconds=answer.lead_time_seconds,
    )
