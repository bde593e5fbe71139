"""What a loop waits for, and who can give it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.foundation.decisions import DriftVerdict
from include.stages.reports.loop_facts import LoopFacts

MISSED = {
    "harder": "scores less than it promised, and so would its predecessor: new training is asked for",
    "below_promise": "scores less than it promised: new training is asked for",
    "broken": "is worse than its predecessor and is rolled back",
}


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


def needs_of(facts: LoopFacts, still: int, late: int, stages: Sequence[StageRuns]) -> list[Need]:
    """Return what a loop waits for, the urgent first.

    Parameters
    ----------
    facts
        What its tables say.
    still, late
        Requests that are open, and those past their deadline.
    stages
        The newest runs of its DAGs.
    """
    needs = [*_of_people(facts, still, late), *_of_model(facts), *_of_drift(facts.drift), *_of_runs(stages)]
    return sorted(needs, key=lambda need: not need.is_urgent)


def _of_people(facts: LoopFacts, still: int, late: int) -> Iterator[Need]:
    """Yield what annotators and approvers are to give."""
    if facts.unapproved is not None:
        challenger = f"challenger {facts.unapproved.subject[:8]}"
        yield Need("an approver", f"Sign {challenger} off, or reject it: the gate promotes it.", is_urgent=True)
    if facts.held is not None:
        yield Need("whoever decides what is contested", f"Decide {_requests(facts.held.count)} {facts.held.where}.")
    if late:
        yield Need("annotators", f"Answer {_requests(late)} past the deadline.", is_urgent=True)
    plan = facts.plan
    if plan is not None and plan.outcome == "judge_pending" and plan.waiting:
        yield Need("annotators", f"Answer {_requests(plan.waiting)}: challenger {plan.subject[:8]} is judged by them.")
    elif still:
        yield Need("annotators", f"Answer {_requests(still, 'open ')}.")


def _requests(count: int, kind: str = "") -> str:
    return f"{count} {kind}request{'' if count == 1 else 's'}"


def _of_model(facts: LoopFacts) -> Iterator[Need]:
    live, guard = facts.live, facts.guard
    if facts.canary is not None and facts.canary.outcome in {"mismatch", "no_data"}:
        is_mixed_up = facts.canary.outcome == "mismatch"
        yield Need("whoever serves the model", " ".join(facts.canary.reasons), is_urgent=is_mixed_up)
    if facts.awaits_live is not None:
        yield Need("whoever serves the model", f"Challenger {facts.awaits_live[:8]} waits. {facts.rollout}.")
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
