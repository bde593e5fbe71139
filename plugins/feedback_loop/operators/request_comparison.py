"""Task ``request_comparison``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.decision_operator import DecisionOperator
from include.foundation.config.manual_runs import GuardRun


class RequestComparisonOperator(DecisionOperator):
    """Ask for labels of served rows that the champion's predecessor would have answered otherwise, drawn at random.

    ``decision`` is the guard's verdict, which says how many a day. One pusher at a time: give it a pool of one slot.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Compare the days that are over, push, and return the counts; running it again asks nothing twice."""
        from include.foundation.decisions import GuardVerdict
        from include.foundation.decisions.acting import demand_outcome
        from include.foundation.errors import NothingToDo
        from include.stages.deployment.comparing_days import COMPARED, compare_days
        from include.stages.labeling.pushing import push_requests

        store, verdict = self.hook.get_conn(), self.recorded(GuardVerdict, self.decision)
        demand_outcome(verdict, COMPARED, dry_run=filled_in(GuardRun, context["params"]).dry_run)
        report = compare_days(store, self.registry, verdict)
        if not push_requests(store, LabelingHook(self.loop).get_conn()).asked:
            raise NothingToDo(f"Compared {report.days} days; no label is to be asked for")
        self.log.info("Compared %d days, asked for %d labels", report.days, report.requests)
        return asdict(report)
