"""What is decided on the live model: whether it is worse than its predecessor, and whether it keeps its promise."""

from typing import ClassVar, Literal

from pydantic import Field

from include.foundation.decisions.decision import Decision, EvidencePart
from include.foundation.statistics.estimates import Estimate


class CanaryTraffic(EvidencePart):
    """What was logged in a step of a canary, of it and of what is live."""

    requests: int
    """That the canary answered."""
    served: int
    """That what is live answered."""
    callers: int
    """Callers that were served by either; a request without ``source_id`` is one."""
    by_canary: int
    """Of them, those that the canary served."""
    by_both: int
    """Of them, those that both served."""
    failures: int
    """Requests on which the canary failed."""
    served_failures: int
    """Requests on which what is live failed."""
    p_value: float | None
    """Of the number of callers that it served, by its share; None without callers."""


class GuardVerdict(Decision):
    """Verdict on the live version, which is the subject; ``none`` if nothing is live.

    ``broken``: on the same rows it is worse than its predecessor by more than ``deploy.max_drop``; it is rolled back.
    ``harder``: it scores less than was promised, and its predecessor would score no better, so what is served changed.
    ``below_promise``: it scores less than was promised, and nothing tells how its predecessor would do. ``kept``: neither.
    ``no_data``: the rows logged of late do not name it. Where ``predecessor`` was never set, an earlier version of the loop
    recorded it, whose *broken* is about the promise.

    Of a canary, ``broken`` stops it and ``advance`` begins its next step; ``inconclusive`` and ``no_data`` hold it, and so does
    ``mismatch``: callers are not served as its share says.
    """

    kind: ClassVar[str] = "guard"
    outcome: Literal[
        "broken", "harder", "below_promise", "kept", "inconclusive", "no_data", "nothing_live", "advance", "mismatch"
    ]
    score: Estimate | None = None
    """Live score on random rows of late."""
    floor: float | None = None
    """Score below which the promise is missed."""
    e_value: float | None = None
    """Evidence that the score fell below the floor."""
    needed: float | None = None
    """E-value that shows it; the same for ``worse_e_value``."""
    deployment: str | None = None
    """Digest of the evidence that the version was deployed on."""
    versions: dict[str, int] = Field(default_factory=dict)
    """Rows logged of late by the version that they name, where no row that can be judged came in."""
    watch_ended: bool = False
    """Whether ``deploy.watch_days`` passed without such a row."""
    predecessor: str | None = None
    """The version that it is compared with, and that a rollback returns to; None if there is none."""
    difference: Estimate | None = None
    """Score of the version less that of its predecessor, on the same rows of late."""
    worse_e_value: float | None = None
    """Evidence that it became worse than its predecessor by more than is allowed."""
    ask: int = 0
    """How many labels a day are asked for where the two differ."""
    share: float | None = None
    """Of the callers that it serves, if it is a canary."""
    traffic: CanaryTraffic | None = None
    """What is logged of a canary's step."""

    @property
    def asks_for_training(self) -> bool:
        """Whether the champion misses its promise, and no rollback is known to help."""
        return self.outcome in {"harder", "below_promise"}
