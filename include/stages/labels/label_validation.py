"""Answers become labels by consensus, domain rules and expectations; doubtful ones are set aside with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.foundation.statistics.agreement import krippendorff_alpha
from include.foundation.store.ledgers.annotations import votes_of
from include.foundation.store.ledgers.outcomes import current_labels, escalated_requests, gold_questions, set_aside
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.annotator_records import Concern, concerns
from include.stages.labels.answered_requests import AnsweredRequest, answered_requests
from include.stages.labels.batch_demands import Decided, demand_good_batch
from include.stages.labels.consensus import Opinion, opinions
from include.stages.labels.consistency import contradictions
from include.stages.labels.escalation import at_stake, audit_rows, escalated_row
from include.stages.labels.proposals import label_row, objection, proposals_of, set_aside_row
from include.stages.labels.suspicions import suspicions
from include.stages.labels.withdrawn_labels import withdrawn_labels


@dataclass(frozen=True)
class LabelReport:
    """What became of the requests with new answers; ``alpha`` is that of these, None where it is not defined.

    ``annotators`` has each annotator's number of answers and estimated accuracy over recent requests, by pseudonym, and
    ``concerns`` of whom the lead is to be told.
    """

    received: int
    accepted: int
    set_aside: int
    escalated: int
    audited: int
    alpha: float | None
    annotators: dict[str, tuple[int, float]]
    concerns: list[Concern]


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
    decided = _decide(store, undecided, thought.of_requests)
    fresh = [item for item in undecided if not item.is_resolved]
    demand_good_batch(store, decided, fresh)
    store.append_new("requests", rows_of(store.loop, "requests", decided.escalated))
    taken_back = withdrawn_labels(store)
    written = store.append_new("labels", rows_of(store.loop, "labels", decided.accepted))
    store.append_new("labels", rows_of(store.loop, "labels", taken_back))
    store.append_new("quarantine", rows_of(store.loop, "quarantine", decided.set_aside), [("stage", "=", "labels")])
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
    )


def _undecided(store: LoopStore, answered: Sequence[AnsweredRequest]) -> list[AnsweredRequest]:
    """Return the requests whose present set of answers led to no label, was not set aside, and that no other tier decides."""
    filters = [("request_id", "in", [item.request_id for item in answered])]
    decided = set(store.read("labels", columns=["label_id"], filters=filters).column("label_id").to_pylist())
    decided |= set(set_aside(store).column("refusal_id").to_pylist())
    others = escalated_requests(store) | gold_questions(store)  # whose answers say who is right how often
    return [item for item in answered if item.label_id not in decided and item.request_id not in others]


def _decide(store: LoopStore, undecided: Sequence[AnsweredRequest], found: Mapping[str, Opinion]) -> Decided:
    """Accept each proposal, leave it to the next tier, or set it aside; what confirms a label of its tier is neither."""
    proposals = proposals_of(store, undecided, found)
    filters = [("trace_id", "in", [proposal.request["trace_id"] for proposal in proposals])]
    present = current_labels(store.read("labels", filters=filters)).to_pylist() if proposals else []
    current, taxonomy = {row["trace_id"]: row for row in present}, Taxonomy.of(store.loop.task)
    decided, loop = Decided([], []), store.loop
    contradicted, suspected = contradictions(store, proposals), suspicions(store, proposals, found)
    for proposal in proposals:
        request_id, superseded = proposal.answered.request_id, current.get(proposal.request["trace_id"])
        against = contradicted.get(request_id)
        doubt = objection(loop, proposal) or (against and ("inconsistent", against))
        if doubt and loop.tier_after(proposal.tier) is not None:
            decided.undecided.append(escalated_row(loop, proposal.request, ": ".join(doubt), proposal.answered.newest))
        elif doubt:
            decided.set_aside.append(set_aside_row(proposal, *doubt))
        elif stake := at_stake(loop, proposal) or suspected.get(request_id):
            decided.at_stake.append(escalated_row(loop, proposal.request, stake, proposal.answered.newest))
        elif superseded is None or proposal.differs_from(superseded, taxonomy.current(superseded["label"])):
            decided.accepted.append(label_row(proposal, None if superseded is None else superseded["label_id"]))
    return decided
