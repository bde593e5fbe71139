"""What is decided on a challenger that was asked about live requests: whether it may replace what answered them."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision
from include.foundation.statistics.estimates import UNKNOWN, Estimate


class LiveComparison(Decision):
    """A challenger, its key the subject, beside the champion on the same live requests.

    ``waiting``: too few requests tell. ``fit``: it answered enough of them, and rarely failed or said something else than of
    the stored row. ``failing``, ``skewed``: it did so too often, or was not shown not to.
    """

    kind: ClassVar[str] = "live_comparison"
    outcome: Literal["waiting", "fit", "failing", "skewed"]
    champion: str
    """Version that answered."""
    challenger: str
    requests: int
    """Live requests that the champion answered, and the challenger was asked about."""
    needed: int
    """How many of them ``deploy.shadow.requests`` asks for."""
    failures: Estimate = UNKNOWN
    """Share on which the challenger failed."""
    disagreement: Estimate = UNKNOWN
    """Share of those that it answered on which it said something else than the champion."""
    skew: Estimate = UNKNOWN
    """Share of those that it answered on which it says something else of the row as it is stored."""
    seconds: float | None = None
    """Median of the time that a row took the challenger; None where none was logged."""
    slowest_seconds: float | None = None
    """99th percentile of that."""
    served_seconds: float | None = None
    """Median of the time that the same rows took the champion."""
