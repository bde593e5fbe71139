"""What a monitor found in one window: the unit of evidence of a drift verdict."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Monitor = Literal["data", "prediction", "confidence", "label", "performance", "estimated_performance"]
ALL_ROWS = ""


@dataclass(frozen=True)
class Finding:
    """One comparison of a window with what is ordinary.

    Attributes
    ----------
    monitor
        What is watched. ``estimated_performance`` comes from confidence alone and is blind to concept drift.
    column
        Watched column, or the score for the performance monitors.
    segment
        ``desk=eu``, or `ALL_ROWS`.
    statistic
        What differs most: ``location``, ``spread``, ``missing``, ``unseen``, a category …
    effect
        Size in 0 to 1, comparable with ``drift.min_effect`` (``drift.max_accuracy_drop`` for performance); None is unknown.
    p_value
        0 to 1; None where the evidence is no p-value (see ``details``) or there is too little.
    flagged
        Significant after control of false discoveries, and above its floor.
    sentence
        What a person reads.
    details
        What JSON can hold: values, intervals, rows.
    """

    monitor: Monitor
    column: str
    segment: str
    statistic: str
    effect: float | None
    p_value: float | None
    flagged: bool
    sentence: str
    details: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON can hold it."""
        return asdict(self)
