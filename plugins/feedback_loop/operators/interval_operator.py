"""What the operators that work on one data interval have in common."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.intervals import Interval


class IntervalOperator(LoopOperator):
    """An operator that works on an interval which another task planned.

    Parameters
    ----------
    interval
        Key of the interval, see `PlanPullOperator`. Templated.
    **kwargs
        Of `LoopOperator`.
    """

    template_fields: Sequence[str] = ("interval",)

    def __init__(self, *, interval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interval: str = interval

    @property
    def data_interval(self) -> Interval:
        """The interval, once the template is rendered."""
        return Interval.from_key(self.interval)
