"""What is decided on the live model: whether it keeps its promise."""

from typing import ClassVar, Literal

from pydantic import Field

from include.foundation.decisions.decision import Decision
from include.foundation.statistics.estimates import Estimate


class GuardVerdict(Decision):
    """Verdict on the live version, which is the subject; ``none`` if nothing is live.

    ``no_data`` means that since it went live no row was logged that names it: the promise is not watched.
    """

    kind: ClassVar[str] = "guard"
    outcome: Literal["broken", "kept", "inconclusive", "no_data", "nothing_live"]
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
    versions: dict[str, int] = Field(default_factory=dict)
    """Rows logged since by the version that they name, where no row that can be judged came in."""
    watch_ended: bool = False
    """Whether the days of watching passed without such a row."""
