"""What is decided on a window: whether it drifted, and where that leads."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from include.foundation.decisions.decision import Decision, EvidencePart
from include.foundation.statistics.estimates import Estimate

Monitor = Literal["data", "prediction", "confidence", "label", "performance", "estimated_performance"]
Route = Literal["fix_data", "label_segment", "retrain", "watch", "none"]
ALL_ROWS = ""
ALL_COLUMNS = "all_columns"


class Finding(EvidencePart):
    """One comparison of a window with what is ordinary."""

    monitor: Monitor
    """What is watched. ``estimated_performance`` comes from confidence alone and is blind to concept drift."""
    column: str
    """Watched column, `ALL_COLUMNS` for all of them jointly, or the score for the monitors of performance."""
    segment: str
    """``desk=eu``, or `ALL_ROWS`."""
    statistic: str
    """What differs most: ``location``, ``spread``, ``missing``, ``unseen``, a category …"""
    effect: float | None
    """Size, 0 to 1, held against ``drift.min_effect`` (``drift.max_accuracy_drop`` for performance); None is unknown."""
    p_value: float | None
    """0 to 1; None where the evidence is no p-value, or there is too little."""
    flagged: bool
    """Significant after control of false discoveries, and above its floor."""
    sentence: str
    """What a person reads."""
    lasting: bool = True
    """Whether the windows that confirm an alarm, taken together, differ as well; true where that cannot be known."""


class ColumnFinding(Finding):
    """A column of a window against ordinary days."""

    effect: float
    expected: float
    """What ordinary days let expect, in the units of effects; of all columns jointly, their mean squared standard errors."""
    found: float
    """What the window has."""
    rows: int
    """Rows of the window."""
    per_day: float | None = None
    """By how much it rises a day, in the units of effects, where it follows a slope: that is told, and is no drift."""
    sentence: str = Field(default="", exclude=True)
    """Stored among the verdict's reasons only."""


class PerformanceDetails(EvidencePart):
    """Accuracy on labels against what it was before; without a reference neither floor nor e-value is known."""

    estimate: Estimate
    reference: float | None
    needed: float
    floor: float | None = None
    e_value: float | None = None
    corrected: Estimate | None = None
    """For errors of annotators and missing answers, of all rows."""
    changed_on: date | None = None
    """The likely first day of a drop that is shown."""


class EstimatedDetails(EvidencePart):
    """Accuracy estimated from confidence: of the window, of ordinary days, and the half width of what is ordinary."""

    estimate: float
    reference: float
    ordinary: float
    labels: int


class LabelShareDetails(EvidencePart):
    """A class's share of the newest labels and of those before, with the effective rows of both."""

    share: float
    before: float
    effective_rows: tuple[float, float]


class MonitorFinding(Finding):
    """What labels or confidence say of a window."""

    details: PerformanceDetails | EstimatedDetails | LabelShareDetails


class DriftVerdict(Decision):
    """Verdict on one interval, its key the subject.

    ``drift`` is flagged now, ``alarm`` confirmed k of m times and not in its cool-down.
    """

    kind: ClassVar[str] = "drift"
    outcome: Literal["stable", "drift", "alarm", "inconclusive"]
    route: Route
    """What the verdict asks for."""
    flagged: bool
    rows: int
    """Rows of the window."""
    reference_days: int
    """Ordinary days it was held against."""
    version: str | None = None
    """Model version whose predictions and confidence were compared."""
    columns: tuple[ColumnFinding, ...] = ()
    """The first findings on columns, flagged ones first, of ``columns_judged``."""
    columns_judged: int = 0
    monitors: tuple[MonitorFinding, ...] = ()
    segments: tuple[str, ...] = ()
    """Segments that the route is about."""
    picture: str | None = None
    """URI of what its page draws of flagged columns; of a picture of them, in earlier versions."""
    confirmed: bool = False
    """Whether what is flagged is confirmed, also while an alarm is in its cool-down."""

    @property
    def is_confirmed(self) -> bool:
        """Whether it is confirmed; of verdicts of earlier versions of the loop, alarms alone are known to be."""
        return self.confirmed or self.outcome == "alarm"
