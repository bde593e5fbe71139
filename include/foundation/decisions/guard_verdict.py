"""What is decided on the live model: whether it keeps its promise."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision
from include.foundation.statistics.estimates import Estimate


class GuardVerdict(Decision):
    """Verdict on the live version, which is the subject; ``none`` if nothing is live."""

    kind: ClassVar[str] = "guard"
    outcome: Literal["broken", "kept", "inconclusive", "nothing_live"]
    score: Estimate | None = None
    """Live score on random rows."""
    floor: float | None = None
    """Score below which the promise is broken."""
    e_value: float | None = None
    """Evidence against the promise."""
    needed: float | None = None
    """E-value that breaks it."""
    deployment: str | None = None
    """Digest of the evidence that the version was deployed on."""
