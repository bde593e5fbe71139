"""Where a loop stands at a moment, from what its tables say and from the runs of its DAGs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.stages.reports.loop_facts import LoopFacts
from include.stages.reports.loop_needs import Need, StageRuns, needs_of

State = Literal["act", "waits", "well"]


@dataclass(frozen=True)
class Queue:
    """What a tier is to answer: requests that are open, of which some are not pushed yet, and requests past their deadline."""

    name: str
    open: int
    late: int
    unpushed: int


@dataclass(frozen=True)
class Standing:
    """Where a loop stands at a moment.

    Attributes
    ----------
    loop
        The loop.
    facts
        What it rests on.
    late, open
        Requests past their deadline, and the others that somebody is to answer.
    by_tier
        The same by tier.
    stages
        The runs of its DAGs; empty where Airflow is not asked.
    needs
        What the loop waits for, the urgent first.
    """

    loop: Loop
    facts: LoopFacts
    late: int
    open: int
    by_tier: tuple[Queue, ...]
    stages: tuple[StageRuns, ...]
    needs: tuple[Need, ...]

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


def standing(loop: Loop, facts: LoopFacts, now: datetime, stages: Sequence[StageRuns] = ()) -> Standing:
    """Return where a loop stands.

    Parameters
    ----------
    loop, facts
        The loop, and what its tables say.
    now
        By the clock: what is late by then.
    stages
        The newest runs of its DAGs.
    """
    tiers = tuple(_queue(loop, facts, tier, now) for tier in sorted({tier for tier, _ in facts.deadlines}))
    late = sum(tier.late for tier in tiers)
    still = len(facts.deadlines) - late
    return Standing(loop, facts, late, still, tiers, tuple(stages), tuple(needs_of(facts, still, late, stages)))


def _queue(loop: Loop, facts: LoopFacts, number: int, now: datetime) -> Queue:
    deadlines = [deadline for tier, deadline in facts.deadlines if tier == number]
    late = sum(deadline is not None and deadline <= now for deadline in deadlines)
    return Queue(loop.tier(number).name, len(deadlines) - late, late, deadlines.count(None))
