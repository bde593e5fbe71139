"""The whole loop file, and what its sections must agree on."""

import hashlib
import json
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from include.foundation.config.data_sections import Drift, Feedback, Logs
from include.foundation.config.escalation_section import FIRST_TIER, Escalation, Lead, Reader, Tier
from include.foundation.config.labeling_section import Labeling
from include.foundation.config.operations import Notify, Tasks
from include.foundation.config.promotion_sections import Deploy, Gate
from include.foundation.config.sections import (
    Identifier,
    Input,
    Labels,
    Retrain,
    Section,
    Split,
    Task,
    Text,
    Training,
)
from include.foundation.config.selection_section import Selection

LONGEST_TITLE = 50  # of a project in Label Studio


class Loop(Section):
    """One learning loop. The first seven keys are required; every other has a default."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """Name of the loop: it begins its DAG ids, assets, tables and registered model. Equal to the file's stem."""
    owner: Text
    """Who is asked when something is wrong."""
    description: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    """What the model is for, in a sentence."""
    task: Task
    inputs: dict[Identifier, Input] = Field(min_length=1)
    """Inputs of the model by name."""
    logs: Logs
    training: Training
    segments: list[Identifier] = Field(default_factory=list)
    """Keys of a log line's ``segments`` that are kept."""
    feedback: Feedback = Feedback()
    drift: Drift = Drift()
    split: Split = Split()
    selection: Selection = Selection()
    labeling: Labeling = Labeling()
    escalation: Escalation = Escalation()
    labels: Labels = Labels()
    retrain: Retrain = Retrain()
    gate: Gate = Gate()
    deploy: Deploy = Deploy()
    tasks: Tasks = Tasks()
    notify: list[Notify] = Field(default_factory=list)
    """Who is told when something happens that a person should know."""

    @property
    def input_columns(self) -> dict[str, str]:
        """Column of the store by input name: ``text`` is kept in ``input_text``."""
        return {name: f"input_{name}" for name in self.inputs}

    @property
    def segment_columns(self) -> dict[str, str]:
        """Column of the store by segment name: ``desk`` is kept in ``segment_desk``."""
        return {name: f"segment_{name}" for name in self.segments}

    @property
    def group_column(self) -> str | None:
        """Column of the store that ``split.group`` names; None without one."""
        columns = {"user": "user_key", "source_id": "source_id", **self.segment_columns, **self.input_columns}
        return None if self.split.group is None else columns[self.split.group]

    @property
    def tiers(self) -> list[Tier]:
        """Who is asked in turn: what ``labeling`` says, then the tiers of ``escalation``, or readers and a lead."""
        labeling = self.labeling
        people, price = labeling.people, labeling.price_per_minute
        first = Tier(
            name="first",
            overlap=labeling.overlap,
            people=people,
            deadline_hours=labeling.deadline_hours,
            price_per_minute=price,
        )
        readers = [Reader(name="reader", people=people, price_per_minute=price)] * self.escalation.more_readers
        return [first, *(self.escalation.tiers or [*readers, Lead(name="lead", shows_answers=True)])]

    def tier(self, number: int) -> Tier:
        """Return the tier of a number, from 1, which is what ``labeling`` says; the last one, if there were more before."""
        return self.tiers[:number][-1]

    def is_last_tier(self, number: int) -> bool:
        """Tell whether nobody is asked after the tier of a number."""
        return number >= len(self.tiers)

    def weighs(self, number: int) -> bool:
        """Tell whether answers of a tier are weighed by how reliable people are, together with those before."""
        return number == FIRST_TIER or isinstance(self.tier(number), Reader)

    def tier_project(self, number: int) -> str:
        """Return the title of a tier's project in Label Studio: what the loop file names, else the first's with its name."""
        first, tier = self.labeling.project or self.name, self.tier(number)
        if number == 1:
            return first
        return tier.project or f"{first[: LONGEST_TITLE - len(tier.name[:30]) - 2]}: {tier.name[:30]}"

    @property
    def tier_projects(self) -> list[str]:
        """Title of each tier's project in Label Studio, in the order of the tiers: readers share one."""
        return [self.tier_project(number) for number in range(1, len(self.tiers) + 1)]

    def patience(self, tier: int) -> timedelta:
        """Return for how long a request of a tier, from 1, is waited for."""
        return timedelta(hours=self.tier(tier).deadline_hours or self.labeling.deadline_hours)

    @property
    def digest(self) -> str:
        """SHA-256 of the effective configuration, defaults included (64 hex digits)."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
