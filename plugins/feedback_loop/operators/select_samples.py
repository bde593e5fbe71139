"""Task ``select_samples``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.operators.interval_operator import IntervalOperator
from include.foundation.config.manual_runs import ObserveRun


class SelectSamplesOperator(IntervalOperator):
    """Choose the rows worth a label, with known inclusion probabilities, and write them to the request ledger."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Select once per interval; running it again returns the same batch."""
        from include.stages.selection.selecting import select_samples

        form = filled_in(ObserveRun, context["params"])
        form.demand_asking()
        report = select_samples(self.hook.get_conn(), self.data_interval, form.budget)
        self.log.info(
            "Asked for %d labels of %d rows: %d certain, %d at random",
            report.requests, report.frame_rows, report.certainty, report.random,
        )  # fmt: skip
        return asdict(report)
