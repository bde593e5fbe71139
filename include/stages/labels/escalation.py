"""What the next tier answers: what one tier could not decide, what is at stake, and a share of the labels for audit."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER, HighStakes, Lead, Reader
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of, point_of
from include.foundation.store.ledgers.outcomes import AUDIT, escalated_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.domain_rules import NESTED, matches_input
from include.stages.labels.proposals import Proposal, Why

AUDITED = Why(AUDIT, "a share of the labels is answered twice")


def at_stake(loop: Loop, proposal: Proposal) -> Why | None:
    """Return why the second tier is to answer what the first has decided; None if it need not, or there is none."""
    if proposal.tier != FIRST_TIER or not loop.escalation.tiers:
        return None
    named = next(filter(None, (_stake(each, proposal) for each in loop.escalation.high_stakes)), None)
    return None if named is None else Why("high_stakes", named)


def annotators_known(loop: Loop, answered: Sequence[AnsweredRequest]) -> Set[str]:
    """Return the pseudonyms of those who may be asked as further readers: whoever has answered but as a lead."""
    asked = [item for item in answered if not isinstance(loop.tier(item.tier), Lead)]
    return {each.annotator for item in asked for each in item.annotations}


def tier_to_ask(loop: Loop, item: AnsweredRequest, known: Set[str]) -> int | None:
    """Return the number of the tier that is asked next; None after the last.

    Parameters
    ----------
    loop
        Has the tiers.
    item
        What its tier cannot decide, or is not to decide alone.
    known
        Pseudonyms of annotators. Where all of them have answered, and the loop file names no others, no reader is asked.
    """
    people, own = loop.labeling.people, {each.annotator for each in item.annotations}
    has_others = bool(known - own) if people is None else len(people) > len(own)
    later = range(item.tier + 1, len(loop.tiers) + 1)
    return next((number for number in later if has_others or not isinstance(loop.tier(number), Reader)), None)


def escalated_row(loop: Loop, request: Mapping[str, Any], number: int, why: Why, moment: datetime) -> dict[str, Any]:
    """Return the row of ``requests`` that asks a later tier.

    Parameters
    ----------
    loop
        Says what the tier sees.
    request
        The row of the tier before: the same row is asked about, in the same stratum, with the same probability.
    number
        Of the tier that is asked.
    why
        Why it is asked; a tier that is blind to earlier answers reads the cause only.
    moment
        Of the last answer that led to it.
    """
    tier = loop.tier(number)
    is_blind = not tier.shows_answers and not isinstance(tier, Reader)  # who sees what the first annotators saw
    return dict(request) | {
        "request_id": digest_of(loop.name, request["trace_id"], number, request["batch_id"])[:32],
        "tier": number,
        "escalates": request["request_id"],
        "cause": why.cause,
        "reasons": [
            f"{why.cause_in_words}: {why.detail}" if tier.shows_answers else why.cause_in_words,
            *request["reasons"],
        ],
        "hidden_prelabel": request["hidden_prelabel"] or is_blind,
        "shown_probability": request["shown_probability"] if tier.shows_answers else None,
        "asked_at": moment,
        "external_id": None,
        "pushed_at": None,
    }


def audit_rows(store: LoopStore, answered: Sequence[AnsweredRequest]) -> list[dict[str, Any]]:
    """Return the requests that audit labels: of a share that a hash of the request's id draws, once each.

    Parameters
    ----------
    store
        Tables of the loop, in which the labels are.
    answered
        The requests that were looked at, decided now or before.
    """
    loop, share = store.loop, store.loop.escalation.audit_share
    if not loop.escalation.tiers:
        return []
    drawn = {item.request_id: item for item in answered if point_of("audit", item.request_id) < share}
    filters = [("request_id", "in", sorted(drawn))]
    labeled = set(store.read("labels", columns=["request_id"], filters=filters).column("request_id").to_pylist())
    asked = labeled - escalated_requests(store)
    rows = store.read("requests", filters=[("request_id", "in", sorted(asked))]).to_pylist() if asked else []
    return [
        escalated_row(loop, row, row["tier"] + 1, AUDITED, drawn[row["request_id"]].newest)
        for row in rows
        if not loop.is_last_tier(row["tier"])
    ]


def _stake(stakes: HighStakes, proposal: Proposal) -> str | None:
    if stakes.classes is not None and proposal.label not in stakes.classes:
        return None
    if stakes.input is None or stakes.when is None:
        return stakes.name
    matches = matches_input(proposal.prediction, stakes.input, stakes.when)
    if matches is None:
        return f"{stakes.name}, whose search takes too long; {NESTED}"
    return stakes.name if matches else None
