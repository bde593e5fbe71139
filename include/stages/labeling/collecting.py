"""Whether waiting for annotators is over, and the collection of their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from include.foundation.digests import digest_of
from include.foundation.errors import LabelingError
from include.foundation.lines.people import People
from include.foundation.lines.refusals import refusal
from include.foundation.lines.values import pseudonym
from include.foundation.store.ledgers.annotations import (
    DECLINED,
    Annotation,
    append_annotations,
)
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labeling.answer_watch import AnswerWatch, unread_answers
from include.stages.labeling.answers_read import answers_read, note_answers_read
from include.stages.labeling.backend_contract import Answer, LabelingBackend
from include.stages.labeling.pushing import open_requests
from include.stages.labeling.user_corrections import collect_corrections
from include.stages.labeling.withdrawals import with_withdrawals


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
    """How many answers were new, how many lines were refused because they are no answers, and what is not read at all.

    ``given_for_others`` counts the answers read that were written in another person's name; they are of who wrote them.
    ``corrections`` counts the corrections of users that were new.
    """

    new: int
    refused: int
    passed_over: tuple[str, ...] = ()
    given_for_others: int = 0
    corrections: int = 0


def progress(
    store: LoopStore,
    backend: LabelingBackend,
    pseudonym_key: bytes,
    since: datetime | None = None,
    watch: AnswerWatch | None = None,
) -> Progress:
    """Return whether waiting for answers is over: nothing is open, the quorum is reached, or every deadline has passed.

    A request is open if it was pushed and is not resolved. Its deadline is counted from the push, by the clock; once it has
    passed, nobody waits for it, so that what is never answered does not hold up what is. Who declines has answered.

    Parameters
    ----------
    store
        Tables of the loop.
    backend
        Where the answers are that are not collected yet.
    pseudonym_key
        The store's key of pseudonyms, by which a person is recognised among the collected answers.
    since
        When the wait began; None means now. What was pushed later does not prolong it, since a loop that asks every day would
        else wait for ever; but it may end it, when it is answered sooner.
    watch
        What earlier looks of the same wait have seen; None on the first.
    """
    labeling, now = store.loop.labeling, datetime.now(UTC)
    waiting = {row["request_id"]: row for row in open_requests(store).to_pylist()}
    deadlines = {name: row["pushed_at"] + store.loop.patience(row["tier"]) for name, row in waiting.items()}
    waited_for = {name for name, row in waiting.items() if since is None or row["pushed_at"] <= since}
    if not waited_for:
        return Progress(0, 0, complete=True, reason="no request is open")
    watch = watch or AnswerWatch(store, backend, pseudonym_key)
    answered = watch.answered_in_full({name: row["tier"] for name, row in waiting.items()})
    so_far = partial(Progress, len(waiting), len(answered))
    if failures := watch.failures(waited_for - answered):
        return so_far(complete=True, reason=failures[0])
    in_time = {name for name, deadline in deadlines.items() if deadline > now}
    if not waited_for & in_time:
        last = max(waited_for, key=lambda name: deadlines[name])
        hours = store.loop.patience(waiting[last]["tier"]) / timedelta(hours=1)
        reason = f"deadline: {hours:g} hours passed, {len(answered & waited_for)} of {len(waited_for)} answered"
        return so_far(complete=True, reason=reason, passed_deadline=deadlines[last])
    for some in (waited_for & in_time, in_time):
        if len(answered & some) >= labeling.quorum * len(some):
            return so_far(complete=True, reason=f"quorum: {len(answered & some)} of {len(some)} answered")
    reason = f"quorum is {labeling.quorum:.0%}, the deadline {labeling.deadline_hours:g} hours after the push"
    return so_far(complete=False, reason=reason)


def collect_annotations(store: LoopStore, backend: LabelingBackend, pseudonym_key: bytes) -> CollectReport:
    """Append the answers that are new to ``annotations``; lines that are no answers go to the quarantine.

    What users corrected meanwhile is appended as well, see `collect_corrections`.

    Answers to resolved requests are collected too, since a late answer may change a label. What was read is noted after what
    was read is stored: killed anywhere and run again, it stores the same rows.

    Parameters
    ----------
    store
        Tables of the loop.
    backend
        Where the answers are.
    pseudonym_key
        The store's key of pseudonyms, under which annotators are stored.

    Raises
    ------
    LabelingError
        If the backend knows that answers to open requests will not come; those that came are stored.
    """
    answers, people = unread_answers(store, backend, pseudonym_key, answers_read(store))
    read = [_annotation(answer, people) for answer in answers.rows]
    annotations = with_withdrawals(store, read, answers.whole)
    resolved = resolved_requests(store) if annotations else set()
    new = append_annotations(store, [replace(each, late=each.request_id in resolved) for each in annotations])
    refusals = [refusal("answers", source, people.masked(line), None) for source, line in answers.refused]
    refused = _refuse(store, refusals) if refusals else 0
    note_answers_read(store, answers.read)
    if answers.failed:
        _demand_more_to_come(store, AnswerWatch(store, backend, pseudonym_key))
    given_for_others = sum(each.given_for is not None for each in read)
    return CollectReport(new, refused, tuple(answers.passed_over), given_for_others, collect_corrections(store))


def _demand_more_to_come(store: LoopStore, watch: AnswerWatch) -> None:
    tiers = {row["request_id"]: row["tier"] for row in open_requests(store).to_pylist()}
    if failures := watch.failures(tiers.keys() - watch.answered_in_full(tiers)):
        raise LabelingError("Answers that are waited for will not come; what came is collected", failures)


def _refuse(store: LoopStore, refusals: Sequence[Mapping[str, Any]]) -> int:
    sources = sorted({row["source"] for row in refusals})
    rows = rows_of(store.loop, "quarantine", refusals)
    return int(store.append_new("quarantine", rows, [("source", "in", sources)]).num_rows)


def _annotation(answer: Answer, people: People) -> Annotation:
    annotator = pseudonym(answer.annotator, people.key)
    return Annotation(
        annotation_id=digest_of(answer.request_id, annotator, answer.created_at, answer.label or DECLINED)[:32],
        request_id=answer.request_id,
        trace_id=answer.trace_id,
        annotator=annotator,
        label=answer.label or DECLINED,
        created_at=answer.created_at,
        source=answer.source,
        comment=None if answer.comment is None else people.without_addresses(answer.comment),
        lead_time_seconds=answer.lead_time_seconds,
        given_for=None if answer.given_for is None else pseudonym(answer.given_for, people.key),
    )
