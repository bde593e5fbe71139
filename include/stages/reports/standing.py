"""Where a loop stands now: what is live and how good, what is open, and what the loop waits for, of whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import Approval, DriftVerdict, GateVerdict, GuardVerdict, RetrainPlan, latest
from include.foundation.decisions.chain import decided_at
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.ledgers.deployments import Deployment, history
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.tables import LoopStore

LATELY = timedelta(days=30)  # requests asked before are not counted as late any more
MISSED = {
    "harder": "scores less than it promised, and so would its predecessor: new training is asked for",
    "below_promise": "scores less than it promised: new training is asked for",
    "broken": "is worse than its predecessor and is rolled back",
}

READ = ("decisions", "deployments", "requests", "annotations", "labels", "quarantine")

State = Literal["act", "waits", "well"]


@dataclass(frozen=True)
class StageRuns:
    """The newest run of the DAG of one stage, and when the next is due.

    Attributes
    ----------
    stage, dag_id
        Which DAG it is.
    state
        Of its newest run; None if it never ran.
    run_id, started_at
        Of that run.
    next_at
        When the schedule starts the next one at the latest; None if it does not.
    is_paused
        Whether it is not scheduled at all.
    """

    stage: str
    dag_id: str
    state: str | None = None
    run_id: str | None = None
    started_at: datetime | None = None
    next_at: datetime | None = None
    is_paused: bool = False


@dataclass(frozen=True)
class Need:
    """What a loop waits for.

    Attributes
    ----------
    who
        Whoever can give it, as a role.
    what
        A sentence that says what to do.
    is_urgent
        Whether the loop stands still or harms until it is given.
    """

    who: str
    what: str
    is_urgent: bool = False


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
        Of the requests of the last 30 days that are not resolved; None where it was not pushed yet.
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


@dataclass(frozen=True)
class Standing:
    """Where a loop stands at a moment.

    Attributes
    ----------
    facts
        What it rests on.
    late, open
        Requests past their deadline, and the others that somebody is to answer.
    stages
        The runs of its DAGs; empty where Airflow is not asked.
    needs
        What the loop waits for, the urgent first.
    """

    facts: LoopFacts
    late: int
    open: int
    stages: tuple[StageRuns, ...]
    needs: tuple[Need, ...]

    @property
    def loop(self) -> Loop:
        """The loop."""
        return self.facts.loop

    @property
    def accuracy(self) -> Estimate:
        """Of what is live, on rows that were drawn at random of late."""
        guard = self.facts.guard
        return (guard.score if guard else None) or UNKNOWN

    @property
    def state(self) -> State:
        """One word: somebody must act, the loop waits for something, or all is well."""
        if any(need.is_urgent for need in self.needs):
            return "act"
        return "waits" if self.needs else "well"


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
        judged_at=decided_at(store, guard) if guard else None,
        drift=latest(store, DriftVerdict),
        unapproved=gate if gate is not None and _is_unapproved(store, gate, changes) else None,
        plan=latest(store, RetrainPlan),
        deadlines=_deadlines(store, now),
        month=_work_since(store, month_of(now)),
    )


def month_of(now: datetime) -> datetime:
    """Return the first moment of a moment's month, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def standing(facts: LoopFacts, now: datetime, stages: Sequence[StageRuns] = ()) -> Standing:
    """Return where a loop stands.

    Parameters
    ----------
    facts
        Of the loop.
    now
        By the clock: what is late by then.
    stages
        The newest runs of its DAGs.
    """
    late = sum(deadline is not None and deadline <= now for deadline in facts.deadlines)
    still = len(facts.deadlines) - late
    needs = [*_of_people(facts, still, late), *_of_model(facts), *_of_drift(facts.drift), *_of_runs(stages)]
    ordered = sorted(needs, key=lambda need: not need.is_urgent)
    return Standing(facts, late, still, tuple(stages), tuple(ordered))


def _of_people(facts: LoopFacts, still: int, late: int) -> Iterator[Need]:
    """Yield what annotators and approvers are to give."""
    if facts.unapproved is not None:
        challenger = f"challenger {facts.unapproved.subject[:8]}"
        yield Need("an approver", f"Sign {challenger} off, or reject it: the gate promotes it.", is_urgent=True)
    if late:
        yield Need("annotators", f"Answer {late} requests that are past their deadline.", is_urgent=True)
    plan = facts.plan
    if plan is not None and plan.outcome == "judge_pending" and plan.waiting:
        yield Need("annotators", f"Answer {plan.waiting} requests: challenger {plan.subject[:8]} is judged by them.")
    elif still:
        yield Need("annotators", f"Answer {still} open requests.")


def _of_model(facts: LoopFacts) -> Iterator[Need]:
    live, guard = facts.live, facts.guard
    if live is None:
        yield Need("the loop's owner", "Nothing is live: give it logs, and labels or seed labels, for a first model.")
    elif guard is not None and guard.outcome in MISSED:
        is_urgent = guard.outcome == "broken"
        yield Need("the loop's owner", f"Version {live.model_version} {MISSED[guard.outcome]}.", is_urgent)
    elif guard is not None and guard.outcome == "no_data":
        yield Need("whoever serves the model", " ".join(guard.reasons), is_urgent=guard.watch_ended)


def _of_drift(drift: DriftVerdict | None) -> Iterator[Need]:
    if drift is not None and drift.route == "fix_data" and drift.flagged:
        yield Need("whoever writes the logs", " ".join(drift.reasons[:1]), is_urgent=drift.outcome == "alarm")
    elif drift is not None and drift.outcome == "alarm":
        yield Need("the loop's owner", " ".join(drift.reasons[:1]))


def _of_runs(stages: Sequence[StageRuns]) -> Iterator[Need]:
    who, paused = "whoever runs Airflow", [runs.dag_id for runs in stages if runs.is_paused]
    if paused:
        yield Need(who, f"Unpause {', '.join(paused)}: until then the loop does not go on.")
    for runs in stages:
        if runs.state == "failed" and not runs.is_paused:
            yield Need(
                who, f"The newest run of {runs.dag_id} failed: mend what its task's log says, and clear the task.", True
            )


def _is_unapproved(store: LoopStore, gate: GateVerdict, changes: Sequence[Deployment]) -> bool:
    if gate.outcome != "promote" or any(one.evidence_digest == gate.evidence_digest for one in changes):
        return False
    answer = latest(store, Approval, gate.subject)
    return answer is None or answer.gate != gate.evidence_digest


def _deadlines(store: LoopStore, now: datetime) -> tuple[datetime | None, ...]:
    columns = ["request_id", "tier", "pushed_at"]
    asked = store.read("requests", columns=columns, filters=[("asked_at", ">=", now - LATELY)]).to_pylist()
    resolved = resolved_requests(store) if asked else set()
    return tuple(
        None if row["pushed_at"] is None else row["pushed_at"] + store.loop.patience(row["tier"])
        for row in asked
        if row["request_id"] not in resolved
    )


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
