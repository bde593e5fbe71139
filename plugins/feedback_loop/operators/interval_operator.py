"""What the operators that work on one data interval have in common."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.intervals import Interval


class IntervalOperator(LoopOperator):
    """An operator that works on the interval that ``plan_pull`` planned.

    Parameters
    ----------
    interval
        Key of the interval, templated; by default the XCom of the task ``plan_pull``.
    **kwargs
        Of `LoopOperator`.
    """

    template_fields: Sequence[str] = ("interval",)

    def __init__(
        self, *, interval: str = "{{ ti.xcom_pull(task_ids='plan_pull', key='interval') }}", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.interval = interval

    @property
    def data_interval(self) -> Interval:
        """The interval, once the template is rendered."""
        return Interval.from_key(self.interval)
