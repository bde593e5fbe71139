"""Task ``validate_logs``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.links.page_links import LogDataDocsLink
from feedback_loop.operators.interval_operator import IntervalOperator


class ValidateLogsOperator(IntervalOperator):
    """Judge the pulled interval with the loop's Great Expectations suite and its share of refused rows.

    Fails without retry if the batch is not good enough to learn from; skips if nothing was logged.
    """

    operator_extra_links = (LogDataDocsLink(),)

    def perform(self, context: Context) -> dict[str, Any]:
        """Validate and return the counts and where the result is kept."""
        from include.stages.logs.log_validation import validate_logs
        from include.stages.logs.pulling import report

        store = self.hook.get_conn()
        pulled = report(store, self.data_interval)
        self.log.info("%s: %s", self.interval, pulled)
        judged = validate_logs(store, self.data_interval)
        counts = judged.rows, judged.refused, judged.failed, judged.fell_back
        self.log.info("%d rows valid, %d refused, %d failed, %d of the rows with an error", *counts)
        self.log.info("result: %s", judged.result_uri)
        return {"logs": asdict(pulled), **asdict(judged)}
