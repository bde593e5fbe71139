"""What the operators that work on one data interval have in common."""

from collections.abc import Sequence
from typing import Any

from feedback_loop.operators.loop_operator import LoopOperator
from include.store.interval import Interval


class IntervalOperator(LoopOperator):
    """An operator that works on the interval that ``pull_logs`` pulled.

    Parameters
    ----------
    interval
        Key of the interval, templated; by default what the task ``pull_logs`` returned.
    **kwargs
        Of `LoopOperator`.
    """

    template_fields: Sequence[str] = ("interval",)

    def __init__(
        self, *, interval: str = "{{ ti.xcom_pull(task_ids='pull_logs')['interval'] }}", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.interval = interval

    @property
    def data_interval(self) -> Interval:
        """The interval, once the template is rendered."""
        return Interval.from_key(self.interval)
