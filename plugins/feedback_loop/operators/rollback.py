"""Task ``rollback``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.decision_operator import DecisionOperator
from include.foundation.errors import NothingToDo


class RollbackOperator(DecisionOperator):
    """Put the version before the champion back, once, if the guard says that the promise is broken.

    ``decision`` is the guard's verdict; any other than *broken* skips the task.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Roll back and return what is live now."""
        from include.foundation.decisions import GuardVerdict
        from include.stages.deployment.watching import rollback

        verdict = self.recorded(GuardVerdict, self.decision)
        if verdict.outcome != "broken" or context["params"].get("dry_run"):
            raise NothingToDo(f"No rollback, {verdict.outcome}: {' '.join(verdict.reasons)}")
        report = rollback(self.hook.get_conn(), self.registry, verdict)
        self.log.error("ROLLED BACK: version %s is live again; %s", report.version, " ".join(verdict.reasons))
        return asdict(report)
