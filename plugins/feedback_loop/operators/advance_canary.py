"""Task ``advance_canary``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.operators.decision_operator import DecisionOperator
from include.foundation.config.manual_runs import GuardRun


class AdvanceCanaryOperator(DecisionOperator):
    """Serve a canary to the next share of the callers; after the last step it is live.

    ``decision`` is the guard's verdict; any other than *advance* skips the task.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Advance one step and return what is served now."""
        from include.foundation.decisions import GuardVerdict
        from include.foundation.decisions.acting import demand_outcome
        from include.stages.deployment.canaries import advance_canary

        verdict = self.recorded(GuardVerdict, self.decision)
        demand_outcome(verdict, {"advance"}, dry_run=filled_in(GuardRun, context["params"]).dry_run)
        report = advance_canary(self.hook.get_conn(), self.registry, verdict)
        self.log.info("%s", report)
        return asdict(report)
