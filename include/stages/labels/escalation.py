"""What the next tier answers: what one tier could not decide, what is at stake, and a share of the labels for audit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER, HighStakes
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of, point_of
from include.foundation.store.ledgers.outcomes import AUDIT, escalated_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import AnsweredRequest
from include.stages.labels.domain_rules import NESTED, matches_input
from include.stages.labels.proposals import Proposal

AUDITED = f"{AUDIT}: a share of the labels is answered twice"


def at_stake(loop: Loop, proposal: Proposal) -> str | None:
    """Return why the second tier is to answer what the first has decided; None if it need not, or there is none."""
    if proposal.tier != FIRST_TIER or not loop.escalation.tiers:
        return None
    return next(filter(None, (_stake(each, proposal) for each in loop.escalation.high_stakes)), None)


def escalated_row(loop: Loop, request: Mapping[str, Any], reason: str, moment: datetime) -> dict[str, Any]:
    """Return the row of ``requests`` that asks the next tier, which there is.

    Parameters
    ----------
    loop
        Says what the tier sees.
    request
        The row of the tier before: the same row is asked about, in the same stratum, with the same probability.
    reason
        Why, in words that annotators may read; a tier that is blind to earlier answers reads its first part only.
    moment
        Of the last answer that led to it.
    """
    number = request["tier"] + 1
    tier = loop.tier(number)
    return dict(request) | {
        "request_id": digest_of(loop.name, request["trace_id"], number, request["batch_id"])[:32],
        "tier": number,
        "escalates": request["request_id"],
        "reasons": [reason if tier.shows_answers else reason.split(":", maxsplit=1)[0], *request["reasons"]],
        "hidden_prelabel": request["hidden_prelabel"] or not tier.shows_answers,
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
    drawn = {item.request_id: item for item in answered if point_of("audit", item.request_id) < share}
    filters = [("request_id", "in", sorted(drawn))]
    labeled = set(store.read("labels", columns=["request_id"], filters=filters).column("request_id").to_pylist())
    asked = labeled - escalated_requests(store)
    rows = store.read("requests", filters=[("request_id", "in", sorted(asked))]).to_pylist() if asked else []
    return [
        escalated_row(loop, row, AUDITED, drawn[row["request_id"]].newest)
        for row in rows
        if loop.tier_after(row["tier"]) is not None
    ]


def _stake(stakes: HighStakes, proposal: Proposal) -> str | None:
    if stakes.classes is not None and proposal.label not in stakes.classes:
        return None
    if stakes.input is None or stakes.when is None:
        return f"high stakes: {stakes.name}"
    matches = matches_input(proposal.prediction, stakes.input, stakes.when)
    if matches is None:
        return f"high stakes: {stakes.name}, whose search takes too long; {NESTED}"
    return f"high stakes: {stakes.name}" if matches else None
