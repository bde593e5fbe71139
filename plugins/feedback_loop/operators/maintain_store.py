"""Task ``maintain_store``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator


class MaintainStoreOperator(LoopOperator):
    """Merge the tables' small files, shorten their logs, and delete what nobody reads and what kills left; once a day."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Maintain the store and return how much was merged and deleted."""
        from include.foundation.store.maintenance import maintain_store

        report = maintain_store(self.hook.get_conn())
        self.log.info(
            "%d small files merged; %d dead files, %d log entries and %d files that were left behind deleted",
            report.merged, report.files, report.log_entries, report.left_behind,
        )  # fmt: skip
        return asdict(report)
