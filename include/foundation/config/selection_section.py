"""The section of a loop file about which rows are worth a label."""

from typing import Literal

from pydantic import Field

from include.foundation.config.sections import Identifier, Rate, Section, Share, Text


class Quota(Section):
    """Random rows that each value of a segment gets, however few of its rows are served."""

    segment: Identifier
    """Segment whose values have the quota."""
    rows: int = Field(ge=1, le=10_000)
    """Fewest random rows of each value in one run of observe, out of the random ones; fewer where those are too few for all."""


class HighImpact(Section):
    """Rows of which a wrong answer would cost most, by the log line's ``impact``."""

    share: Share = 0.2
    """Most of the chosen rows that are chosen for it."""
    at_least: float = Field(default=0, ge=0)
    """Impact from which on a row is one of them, in the unit of the log."""


class LowConfidence(Section):
    """Rows of which the model was less sure than a threshold."""

    share: Share = 0.5
    """Most of the chosen rows that are chosen for it."""
    below: Rate = 0.5
    """Confidence below which a row is one of them."""


class Committee(Section):
    """Rows about which the loop's last model versions disagree: query by committee, by the entropy of their votes."""

    share: Share = 0.2
    """Most of the chosen rows that are chosen for it."""
    versions: int = Field(default=3, ge=2, le=20)
    """Registered versions that vote, the newest ones. They are asked about a sample of rows, and the most unsure ones."""


class Outliers(Section):
    """Rows that are far from all others, by their embedding or else their inputs."""

    share: Share = 0.1
    """Most of the chosen rows that are chosen for it."""
    at_least: float = Field(default=1.5, gt=1, le=1000)
    """How many times as far a row is from its neighbours as they are from theirs, to be one of them."""


class SmallGroups(Section):
    """Rows of groups that have few labels to train on yet."""

    share: Share = 0.2
    """Most of the chosen rows that are chosen for it, those of groups with the fewest labels first."""
    by: Identifier = "predicted"
    """A segment; or ``predicted``, the class that was predicted, of which labels are counted."""
    labels: int = Field(default=20, ge=1, le=1_000_000)
    """Labels to train on that a group needs, to be small no longer."""


class Nominate(Section):
    """What names rows as worth a label beside users, drift and the score, in this order, each up to a share of the chosen."""

    impact: HighImpact | None = None
    """Rows of which a wrong answer would cost much; none takes none for it."""
    low_confidence: LowConfidence | None = None
    """Rows of low confidence."""
    committee: Committee | None = None
    """Rows about which model versions disagree."""
    groups: SmallGroups | None = None
    """Rows of under-represented groups."""
    outliers: Outliers | None = None
    """Rows that are like no others."""


class ColdStart(Section):
    """How a loop with hardly any labels chooses: rows that cover what is served.

    Where classes are uneven the first models are better for it; good ones can take more labels (docs/benchmarks.md).
    """

    labels: int = Field(default=50, ge=1, le=1_000_000)
    """Labels to train on below which the loop is at its cold start."""
    budget: int | None = Field(default=None, ge=1, le=1_000_000)
    """Most labels requested in one run of observe meanwhile; none means ``selection.budget``."""


class Selection(Section):
    """Which rows are worth a label."""

    budget: int = Field(default=60, ge=0, le=1_000_000)
    """Labels requested in one run of observe."""
    random_share: Share = 0.2
    """Share of the budget that is rows drawn uniformly at random, as they were served: the holdout. A drawn row whose content
    has a label costs none."""
    backlog: Literal["bounded", "ignored"] = "bounded"
    """Whether no more labels are asked for than people, as fast as they were lately, can give by ``labeling.deadline_hours``.
    The random share is always asked for."""
    critical: dict[Identifier, list[Text]] = Field(default_factory=dict)
    """Values of segments, ``{desk: [eu]}``, whose rows are chosen first where fewer labels are asked for than the budget."""
    pass_error: Rate | None = None
    """Share of errors up to which predictions pass without a person: from the confidence on from which labels show that no more
    are wrong, rows are not chosen, unless users report them or their segment drifts. None means that none pass."""
    quota: Quota | None = None
    """Lets small segments be measured. Rows of others then stand for more rows, so that estimates of all are a little wider."""
    nominate: Nominate = Nominate()
    cold_start: ColdStart | None = None
    """How a loop with hardly any labels chooses; none means by the score from the first batch on."""
    cost_aware: bool = False
    """Whether a row's score is multiplied by its ``impact``, to what a wrong answer is expected to cost. A row without one
    counts as of impact 1."""
    relabel_share: Share = 0.5
    """Most of the chosen rows of a run that are asked about again, since the class of their label was retired; at least one."""
    score: Literal["margin", "least_confidence", "entropy"] = "margin"
    """How informative a row is."""
    diversify: Literal["clusters", "none"] = "clusters"
    """How the certainty stratum is spread."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of the random stratum; it is mixed with the interval."""
