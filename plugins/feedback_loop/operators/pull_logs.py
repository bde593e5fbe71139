"""Task ``pull_logs``, mapped over partitions."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.interval_operator import IntervalOperator


class PullLogsOperator(IntervalOperator):
    """Pull one partition of an interval's prediction logs into the store.

    Parameters
    ----------
    partition
        Key of the partition, from ``plan_pull``.
    **kwargs
        Of `IntervalOperator`.
    """

    template_fields: Sequence[str] = (*IntervalOperator.template_fields, "partition")

    def __init__(self, *, partition: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    def perform(self, context: Context) -> dict[str, Any]:
        """Pull the partition; running it again changes nothing."""
        from include.stages.logs.pull import Pull
        from include.stages.logs.pulling import planned, pull_partition

        store = self.hook.get_conn()
        slices = planned(store, self.partition)
        pull = Pull("logs", store, self.data_interval, self.hook.pseudonym_key, self.access(store.loop.logs))
        pull_partition(pull, slices)
        self.log.info("%s: %d slices read", self.interval, len(slices))
        return {"partition": self.partition, "slices": len(slices)}
