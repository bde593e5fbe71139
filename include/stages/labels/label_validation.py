"""Answers become labels by consensus, domain rules and expectations; doubtful ones are asked of somebody else."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.agreement import krippendorff_alpha
from include.foundation.store.ledgers.annotations import votes_of
from include.foundation.store.ledgers.outcomes import (
    current_labels,
    escalated_requests,
    gold_questions,
    held_requests,
    set_aside,
)
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.annotator_records import Concern, concerns, note_by_month
from include.stages.labels.answered_requests import AnsweredRequest, answered_requests
from include.stages.labels.batch_demands import Decided, demand_good_batch
from include.stages.labels.consensus import Opinion, opinions
from include.stages.labels.consistency import contradictions
from include.stages.labels.escalation import annotators_known, at_stake, audit_rows, escalated_row, tier_to_ask
from include.stages.labels.proposals import Proposal, Why, label_row, objection, proposals_of, set_aside_row
from include.stages.labels.suspicions import suspicions
from include.stages.labels.withdrawn_labels import removal_of, withdrawn_labels


@dataclass(frozen=True)
class LabelReport:
    """What became of the requests with new answers; ``alpha`` is that of these, None where it is not defined.

    ``annotators`` has each annotator's number of answers and estimated accuracy over recent requests, by pseudonym, and
    ``concerns`` of whom the lead is to be told. ``held`` counts all requests that wait for a person to decide them.
    """

    received: int
    accepted: int
    set_aside: int
    escalated: int
    audited: int
    alpha: float | None
    annotators: dict[str, tuple[int, float]]
    concerns: list[Concern]
    held: int = 0


def validate_labels(store: LoopStore) -> LabelReport:
    """Decide every request that has enough answers, or some answers when its deadline has passed.

    The reliability of the annotators is estimated from the answers to recent requests, but only sets of answers that were not
    decided before become rows, so running it again changes nothing. If later answers change a label, the new label supersedes
    the old one.

    Raises
    ------
    DataQualityError
        If the batch, which is the requests that are decided for the first time, misses what the loop file demands of it.
    """
    answered = answered_requests(store)
    thought = opinions(store, answered)
    undecided = _undecided(store, answered)
    decided = _decide(store, undecided, thought.of_requests, annotators_known(store.loop, answered))
    fresh = [item for item in undecided if not item.is_resolved]
    demand_good_batch(store, decided, fresh)
    store.append_new("requests", rows_of(store.loop, "requests", decided.escalated))
    taken_back = {row["label_id"]: row for row in [*decided.taken_back, *withdrawn_labels(store)]}
    written = store.append_new("labels", rows_of(store.loop, "labels", decided.accepted))
    store.append_new("labels", rows_of(store.loop, "labels", list(taken_back.values())))
    store.append_new("quarantine", rows_of(store.loop, "quarantine", decided.set_aside), [("stage", "=", "labels")])
    note_by_month(store, thought.by_month)
    votes, _ = votes_of([vote for item in fresh for vote in item.votes], store.loop.task.classes)
    audits = store.append_new("requests", rows_of(store.loop, "requests", audit_rows(store, answered)))
    return LabelReport(
        received=len(decided.accepted) + len(decided.set_aside) + len(decided.escalated),
        accepted=written.num_rows,
        set_aside=len(decided.set_aside),
        escalated=len(decided.escalated),
        audited=audits.num_rows,
        alpha=krippendorff_alpha(votes),
        annotators={name: (each.answers, each.accuracy.value or 0.0) for name, each in thought.annotators.items()},
        concerns=concerns(thought.annotators, max((f"{item.newest:%Y-%m}" for item in answered), default="")),
        held=held_requests(store).num_rows,
    )


def _undecided(store: LoopStore, answered: Sequence[AnsweredRequest]) -> list[AnsweredRequest]:
    """Return the requests whose present set of answers led to no label and was not set aside.

    What another tier decides is left to it, but for what is held for a person, who is spared where annotators come to agree,
    and for a label that there is already, which must still be what the answers say.
    """
    filters = [("request_id", "in", [item.request_id for item in answered])]
    labels = store.read("labels", columns=["label_id", "request_id"], filters=filters)
    decided = set(labels.column("label_id").to_pylist()) | set(set_aside(store).column("refusal_id").to_pylist())
    held = set(held_requests(store).column("escalates").to_pylist())
    others = escalated_requests(store) - held - set(labels.column("request_id").to_pylist())
    others |= gold_questions(store)  # whose answers say who is right how often
    return [item for item in answered if item.label_id not in decided and item.request_id not in others]


def _decide(
    store: LoopStore, undecided: Sequence[AnsweredRequest], thought: Mapping[str, Opinion], known: Set[str]
) -> Decided:
    """Accept each proposal, leave it to another tier, or set it aside; what confirms a label of its tier is neither.

    A label that the answers to its request make no longer is taken back.

    Parameters
    ----------
    store
        Tables of the loop.
    undecided
        Requests with new answers.
    thought
        What is thought of each request, by its id.
    known
        Pseudonyms of annotators who may be asked as further readers.
    """
    decided, loop, taxonomy = Decided([], []), store.loop, Taxonomy.of(store.loop.task)
    proposals = proposals_of(store, undecided, thought)
    if not proposals:
        return decided
    current, asked = _current(store, proposals), escalated_requests(store)
    left = asked - set(held_requests(store).column("escalates").to_pylist())
    contradicted, suspected = contradictions(store, proposals), suspicions(store, proposals, thought)
    for proposal in proposals:
        request_id, label = proposal.answered.request_id, current.get(proposal.request["trace_id"])
        doubt = objection(loop, proposal) or contradicted.get(request_id)
        why = doubt or at_stake(loop, proposal) or suspected.get(request_id)
        is_news = proposal.is_news_to(label, taxonomy)
        if why is None and is_news and request_id not in left:
            decided.accepted.append(label_row(proposal, None if label is None else label["label_id"]))
            continue
        if why is not None and request_id not in asked:  # else it is decided there
            number = tier_to_ask(loop, proposal.answered, known)
            _pass_on(loop, decided, proposal, why, number, is_doubt=doubt is not None)
        if label is not None and label["request_id"] == request_id and (doubt or is_news):
            decided.taken_back.append(removal_of(label))
    return decided


def _current(store: LoopStore, proposals: Sequence[Proposal]) -> dict[str, dict[str, Any]]:
    """Return the present label of each proposal's row, by trace id."""
    filters = [("trace_id", "in", [proposal.request["trace_id"] for proposal in proposals])]
    return {row["trace_id"]: row for row in current_labels(store.read("labels", filters=filters)).to_pylist()}


def _pass_on(loop: Loop, decided: Decided, proposal: Proposal, why: Why, number: int | None, *, is_doubt: bool) -> None:
    """Note what a tier cannot decide, or not alone: for the tier of a number, or as set aside after the last.

    Parameters
    ----------
    loop
        Has the tiers.
    decided
        What it is noted in.
    proposal, why
        What, and why.
    number
        Of the tier to ask; None if there is none.
    is_doubt
        Whether the tier cannot decide it.
    """
    if number is not None:
        row = escalated_row(loop, proposal.request, number, why, proposal.answered.newest)
        (decided.undecided if is_doubt else decided.at_stake).append(row)
    else:
        decided.set_aside.append(set_aside_row(proposal, why))
