"""What the tables of a loop say of where it stands: what is live and how good, what is open, what people spent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.decisions import Approval, DriftVerdict, GateVerdict, GuardVerdict, RetrainPlan, latest
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.ledgers.deployments import Deployment, changes, history
from include.foundation.store.ledgers.outcomes import deadline_of, held_requests, resolved_requests
from include.foundation.store.tables import LoopStore
from include.stages.reports.contested import Held, held
from include.stages.reports.rollout import canary_watched, rollout
from include.stages.reports.run_decisions import decisions_of

LATELY = timedelta(days=30)  # requests asked before are not counted as late any more
READ = ("decisions", "deployments", "requests", "annotations", "labels", "quarantine", "shadow_answers")


@dataclass(frozen=True)
class Work:
    """What people spent since a moment; minutes are unknown where no answer says how long it took, money without a price."""

    answers: int
    minutes: float | None
    cost: float | None


@dataclass(frozen=True)
class LoopFacts:
    """What the tables of a loop say of where it stands: while their versions and the month stay, so does this.

    Attributes
    ----------
    live
        The deployment that is live; None if nothing is.
    guard, judged_at
        What the guard last said of it, and when; None if it has not looked yet.
    drift
        The newest verdict; None before the first.
    unapproved
        A promotion that nobody has answered.
    awaits_live, rollout
        A challenger that waits for live requests, None if none does; and how far a roll-out is, in words.
    canary
        What the guard last said of a canary that runs; None without one, or before it has looked.
    plan
        The newest decision about training.
    deadlines
        Tier and deadline of the requests of the last 30 days that annotators are to answer; None where it was not pushed yet.
    held
        What waits for a person to decide it; None if nothing does.
    month
        Work of people since the first of the month, in UTC.
    """

    live: Deployment | None
    guard: GuardVerdict | None
    judged_at: datetime | None
    drift: DriftVerdict | None
    unapproved: GateVerdict | None
    awaits_live: str | None
    rollout: str | None
    canary: GuardVerdict | None
    plan: RetrainPlan | None
    deadlines: tuple[tuple[int, datetime | None], ...]
    held: Held | None
    month: Work


def loop_facts(store: LoopStore, now: datetime) -> LoopFacts:
    """Return what the tables say of where a loop stands.

    Parameters
    ----------
    store
        Tables of the loop.
    now
        By the clock: which month it is, and what is long past.
    """
    deployments = history(store)
    live = deployments[-1] if deployments else None
    guard, gate = latest(store, GuardVerdict, live.model_version) if live else None, latest(store, GateVerdict)
    return LoopFacts(
        live=live,
        guard=guard,
        judged_at=_recorded_at(store, guard) if guard else None,
        drift=latest(store, DriftVerdict),
        unapproved=gate if gate is not None and _is_unapproved(store, gate, changes(store)) else None,
        awaits_live=gate.subject if gate is not None and gate.outcome == "await_live" else None,
        rollout=rollout(store, gate),
        canary=canary_watched(store),
        plan=latest(store, RetrainPlan),
        deadlines=_deadlines(store, now - LATELY),
        held=held(store),
        month=_work_since(store, month_of(now)),
    )


def month_of(now: datetime) -> datetime:
    """Return the first moment of a moment's month, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _recorded_at(store: LoopStore, guard: GuardVerdict) -> datetime | None:
    same = decisions_of(store, [guard.evidence_digest]).get(guard.evidence_digest)
    return same.decided_at if same else None


def _is_unapproved(store: LoopStore, gate: GateVerdict, entries: Sequence[Deployment]) -> bool:
    if gate.outcome != "promote" or any(one.evidence_digest == gate.evidence_digest for one in entries):
        return False
    answer = latest(store, Approval, gate.subject)
    return answer is None or answer.gate != gate.evidence_digest


def _deadlines(store: LoopStore, since: datetime) -> tuple[tuple[int, datetime | None], ...]:
    columns = ["request_id", "tier", "pushed_at"]
    asked = store.read("requests", columns=columns, filters=[("asked_at", ">=", since)]).to_pylist()
    resolved = resolved_requests(store, since) if asked else set()
    still = [row for row in asked if row["request_id"] not in resolved]
    others = set(held_requests(store).column("request_id").to_pylist()) if still else set()
    return tuple((row["tier"], deadline_of(store.loop, row)) for row in still if row["request_id"] not in others)


def _work_since(store: LoopStore, moment: datetime) -> Work:
    columns = ["request_id", "lead_time_seconds"]
    answers = annotators_answers(store, columns, [("created_at", ">=", moment)])
    timed = answers.filter(pc.is_valid(answers.column("lead_time_seconds")))
    if not timed.num_rows:
        return Work(answers.num_rows, None, None)
    seconds: defaultdict[int, float] = defaultdict(float)
    tiers = _tiers(store, timed.column("request_id"), moment - LATELY)
    for request_id, spent in zip(*(column.to_pylist() for column in timed.columns), strict=True):
        seconds[tiers.get(request_id, FIRST_TIER)] += spent
    prices = {tier: store.loop.tier(tier).price_per_minute for tier in seconds}
    costs = [price * seconds[tier] / 60 for tier, price in prices.items() if price is not None]
    return Work(answers.num_rows, sum(seconds.values()) / 60, sum(costs) if len(costs) == len(prices) else None)


def _tiers(store: LoopStore, answered: pa.ChunkedArray, since: datetime) -> dict[str, int]:
    """Return the tiers of requests, by id; what was asked before a moment is looked for only where it was answered."""
    columns = ["request_id", "tier"]
    late = store.read("requests", columns=columns, filters=[("asked_at", ">=", since)])
    others = answered.filter(
        pc.invert(pc.is_in(answered, value_set=late.column("request_id").combine_chunks()))
    ).unique()
    parts = [late]
    if len(others):
        parts.append(store.read("requests", columns=columns, filters=[("request_id", "in", others.to_pylist())]))
    return {row["request_id"]: row["tier"] for part in parts for row in part.to_pylist()}
