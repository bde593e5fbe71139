"""What the tables of a loop say of where it stands: what is live and how good, what is open, what people spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Approval, DriftVerdict, GateVerdict, GuardVerdict, RetrainPlan, latest
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.ledgers.deployments import Deployment, history
from include.foundation.store.ledgers.outcomes import deadline_of, resolved_requests
from include.foundation.store.tables import LoopStore
from include.stages.reports.run_decisions import decisions_of

LATELY = timedelta(days=30)  # requests asked before are not counted as late any more
READ = ("decisions", "deployments", "requests", "annotations", "labels", "quarantine")


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
    loop
        The loop.
    live
        The deployment that is live; None if nothing is.
    guard, judged_at
        What the guard last said of it, and when; None if it has not looked yet.
    drift
        The newest verdict; None before the first.
    unapproved
        A promotion that nobody has answered.
    plan
        The newest decision about training.
    deadlines
        Of the requests of the last 30 days that are not resolved; None where it was not pushed yet, or is a lead's.
    month
        Work of people since the first of the month, in UTC.
    """

    loop: Loop
    live: Deployment | None
    guard: GuardVerdict | None
    judged_at: datetime | None
    drift: DriftVerdict | None
    unapproved: GateVerdict | None
    plan: RetrainPlan | None
    deadlines: tuple[datetime | None, ...]
    month: Work


def table_versions(store: LoopStore) -> tuple[int | None, ...]:
    """Return the versions of the tables that facts rest on, in the order of `READ`."""
    return tuple(store.version(name) for name in READ)


def loop_facts(store: LoopStore, now: datetime) -> LoopFacts:
    """Return what the tables say of where a loop stands.

    Parameters
    ----------
    store
        Tables of the loop.
    now
        By the clock: which month it is, and what is long past.
    """
    changes = history(store)
    live = changes[-1] if changes else None
    guard, gate = latest(store, GuardVerdict, live.model_version) if live else None, latest(store, GateVerdict)
    return LoopFacts(
        loop=store.loop,
        live=live,
        guard=guard,
        judged_at=_recorded_at(store, guard) if guard else None,
        drift=latest(store, DriftVerdict),
        unapproved=gate if gate is not None and _is_unapproved(store, gate, changes) else None,
        plan=latest(store, RetrainPlan),
        deadlines=_deadlines(store, now),
        month=_work_since(store, month_of(now)),
    )


def month_of(now: datetime) -> datetime:
    """Return the first moment of a moment's month, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _recorded_at(store: LoopStore, guard: GuardVerdict) -> datetime | None:
    same = decisions_of(store, [guard.evidence_digest]).get(guard.evidence_digest)
    return same.decided_at if same else None


def _is_unapproved(store: LoopStore, gate: GateVerdict, changes: Sequence[Deployment]) -> bool:
    if gate.outcome != "promote" or any(one.evidence_digest == gate.evidence_digest for one in changes):
        return False
    answer = latest(store, Approval, gate.subject)
    return answer is None or answer.gate != gate.evidence_digest


def _deadlines(store: LoopStore, now: datetime) -> tuple[datetime | None, ...]:
    columns = ["request_id", "tier", "pushed_at"]
    asked = store.read("requests", columns=columns, filters=[("asked_at", ">=", now - LATELY)]).to_pylist()
    resolved = resolved_requests(store) if asked else set()
    return tuple(deadline_of(store.loop, row) for row in asked if row["request_id"] not in resolved)


def _work_since(store: LoopStore, moment: datetime) -> Work:
    columns = ["request_id", "lead_time_seconds"]
    answers = annotators_answers(store, columns, [("created_at", ">=", moment)]).to_pylist()
    timed = [row for row in answers if row["lead_time_seconds"] is not None]
    if not timed:
        return Work(len(answers), None, None)
    tiers = _tiers(store)
    prices = [store.loop.tier(tiers.get(row["request_id"], FIRST_TIER)).price_per_minute for row in timed]
    minutes = [row["lead_time_seconds"] / 60 for row in timed]
    priced = [price * spent for price, spent in zip(prices, minutes, strict=True) if price is not None]
    return Work(len(answers), sum(minutes), sum(priced) if len(priced) == len(prices) else None)


def _tiers(store: LoopStore) -> dict[str, int]:
    rows = store.read("requests", columns=["request_id", "tier"])
    return dict(zip(rows.column("request_id").to_pylist(), rows.column("tier").to_pylist(), strict=True))
