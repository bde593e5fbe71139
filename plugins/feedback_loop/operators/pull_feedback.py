"""Task ``pull_feedback``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.interval_operator import IntervalOperator


class PullFeedbackOperator(IntervalOperator):
    """Pull what users and sensors said: every feedback line that was not read yet."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Pull the feedback; running it again changes nothing."""
        from include.foundation.errors import listed
        from include.stages.logs.feedback.feedback_hints import feedback_hints
        from include.stages.logs.feedback.feedback_lines import pull_feedback

        store = self.hook.get_conn()
        report = pull_feedback(store, self.data_interval, self.hook.pseudonym_key, self.access(store.loop.feedback))
        self.log.info(
            "%d signals, %d refused, %d repeated, %d without consent, %d held back as bursts, %d before their prediction",
            report.rows, report.refused, report.duplicates, report.without_consent, report.held_back, report.orphans,
        )  # fmt: skip
        counts = asdict(report)
        hints = feedback_hints(store, self.data_interval, self.hook.pseudonym_key) if report.rows else []
        if told := [*counts.pop("warnings"), *hints]:
            self.log.warning("%s", listed("Look at the feedback:", told))
        return counts
