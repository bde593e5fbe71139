"""Task ``rollback``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.index_page import show
from feedback_loop.operators.decision_operator import DecisionOperator
from include.foundation.config.manual_runs import GuardRun


class RollbackOperator(DecisionOperator):
    """Put the version before the champion back, once, if the guard says that the promise is broken.

    ``decision`` is the guard's verdict; any other than *broken* skips the task. Who is to hear of a rollback is told.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Roll back and return what is live now."""
        from include.foundation.decisions import GuardVerdict
        from include.foundation.decisions.acting import demand_outcome
        from include.stages.deployment.watching import rollback
        from include.stages.reports.kept_pages import write_index

        verdict = self.recorded(GuardVerdict, self.decision)
        demand_outcome(verdict, {"broken"}, dry_run=filled_in(GuardRun, context["params"]).dry_run)
        report = rollback(self.hook.get_conn(), self.registry, verdict)
        stopped = f"STOPPED: version {report.previous} serves nobody any more."
        back = f"ROLLED BACK: version {report.version} is live again."
        message = f"{back if verdict.share is None else stopped} {' '.join(verdict.reasons)}"
        self.log.error("%s", message)
        self.announce(context, "rollback", verdict.evidence_digest, message)
        show(write_index, self.hook.get_conn())
        return asdict(report)
