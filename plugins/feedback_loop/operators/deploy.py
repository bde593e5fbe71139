"""Task ``deploy``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.decision_operator import DecisionOperator


class DeployOperator(DecisionOperator):
    """Move the alias ``champion`` to the approved challenger, if the evidence is still the one that was approved.

    With ``deploy.strategy: canary`` it is served to a share of the callers first; `AdvanceCanaryOperator` does the rest.

    Parameters
    ----------
    approval
        Reference of the approval. Templated.
    **kwargs
        Of `DecisionOperator`; ``decision`` is the gate's verdict.
    """

    template_fields: Sequence[str] = ("decision", "approval")

    def __init__(self, *, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.approval = approval

    def perform(self, context: Context) -> dict[str, Any]:
        """Deploy once and return what is live now."""
        from include.foundation.decisions import Approval, GateVerdict
        from include.stages.deployment.canaries import roll_out

        gate, approval = self.recorded(GateVerdict, self.decision), self.recorded(Approval, self.approval)
        report = roll_out(self.hook.get_conn(), self.registry, gate, approval)
        self.log.info("%s", report)
        return asdict(report)
