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
    return Standing(facts, late, still, tuple(stages), tuple(needs_of(facts, still, late, stages)))
