"""The section of a loop file about who decides what the first annotators could not."""

from typing import Annotated

from pydantic import Field, StringConstraints

from include.foundation.config.labeling_section import WorkteamArn
from include.foundation.config.sections import ClassName, Identifier, Section, Share, Text

FIRST_TIER = 1  # what `labeling` describes; further ones follow


class Tier(Section):
    """A tier of annotators after the first; its answers decide, and those of the last tier are final."""

    name: Identifier
    """Name of the tier, as in reasons and tables."""
    overlap: int = Field(default=1, ge=1, le=25)
    """Annotators asked for each request of the tier."""
    people: list[Text] | None = Field(default=None, min_length=1)
    """Annotators, as in ``labeling.people``; none means everybody who did not answer before."""
    project: Annotated[str, StringConstraints(min_length=3, max_length=50)] | None = None
    """Title of the tier's project in Label Studio; none means the first tier's, followed by the name of the tier."""
    workteam_arn: WorkteamArn | None = None
    """Who works on the tier's labeling jobs; none means ``labeling.job.workteam_arn``."""
    deadline_hours: float | None = Field(default=None, gt=0, le=24 * 366)
    """Hours after which nobody waits for the tier; none means ``labeling.deadline_hours``."""
    shows_answers: bool = False
    """Whether the tier sees what was answered before. Otherwise it is blind to it, and to the model's pre-label."""
    price_per_minute: float | None = Field(default=None, ge=0)
    """What a minute of these annotators costs, in any currency; none leaves their cost out."""


class Reader(Tier):
    """One more annotator of the first tier; the answer is weighed together with those before it."""


class Lead(Tier):
    """Whoever decides for good where the loop file names no tiers: a person who sees what was answered."""


class HighStakes(Section):
    """Requests that the second tier answers as well, however sure the first is; with both keys, both must hold."""

    name: Identifier
    """Name shown in reasons."""
    input: Identifier | None = None
    """Input looked at."""
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    """Regular expression searched in the input's text."""
    classes: list[ClassName] | None = Field(default=None, min_length=1)
    """Labels that are at stake."""


class Escalation(Section):
    """Who decides what the first annotators could not."""

    tiers: list[Tier] = Field(default_factory=list, max_length=9)
    """The tiers after the first, which is what ``labeling`` says, in the order in which they are asked. A request on which a
    tier cannot agree, which all decline, or whose label breaks a rule, goes to the next. What the last one declines is
    withdrawn."""
    more_readers: int = Field(default=1, ge=0, le=9)
    """Without tiers: how many more annotators are asked, one after another and as long as others are known, about a request
    that would go to a tier. Then it is held for a person, whose answer is final."""
    audit_share: Share = 0.05
    """Share of the labels of each tier but the last that the next answers too, which measures how often they are right."""
    suspected_errors: bool = True
    """Whether the second tier also answers rows to train on whose label the model denies (confident learning), unless several
    people leave next to no doubt."""
    high_stakes: list[HighStakes] = Field(default_factory=list)
    """What the second tier answers as well before there is a label."""
