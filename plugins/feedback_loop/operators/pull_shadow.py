"""Task ``pull_shadow``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.interval_operator import IntervalOperator


class PullShadowOperator(IntervalOperator):
    """Pull what challengers said of live requests: every line that was not read yet."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Pull the lines; running it again changes nothing."""
        from include.foundation.errors import listed
        from include.stages.logs.shadow.shadow_lines import pull_shadow

        store = self.hook.get_conn()
        access = self.access(store.loop.deploy.shadow.source)
        report = pull_shadow(store, self.data_interval, self.hook.pseudonym_key, access)
        self.log.info("%d answers of challengers, %d refused", report.rows, report.refused)
        counts = asdict(report)
        if told := counts.pop("warnings"):
            self.log.warning("%s", listed("Look at what challengers said:", told))
        return counts
