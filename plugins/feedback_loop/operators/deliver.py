"""Tasks ``deliver_to_<environment>``."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.decision_operator import DecisionOperator


class DeliverOperator(DecisionOperator):
    """Write a promoted challenger into the manifest of an environment before production.

    Parameters
    ----------
    environment
        Its name.
    approval
        Reference of the approval, templated; None for the first environment, which nobody is asked about.
    **kwargs
        Of `DecisionOperator`; ``decision`` is the gate's verdict.
    """

    template_fields: Sequence[str] = ("decision", "approval")

    def __init__(self, *, environment: str, approval: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.environment = environment
        self.approval = approval

    def perform(self, context: Context) -> dict[str, str]:
        """Deliver once and return what the environment is to serve."""
        from include.foundation.decisions import Approval, GateVerdict
        from include.stages.deployment.deploying import deliver_before_production

        gate = self.recorded(GateVerdict, self.decision)
        approval = self.recorded(Approval, self.approval) if self.approval else None
        version, is_new = deliver_before_production(
            self.hook.get_conn(), self.registry, gate, self.environment, approval
        )
        self.log.info("%s is to serve version %s%s", self.environment, version, "" if is_new else ", as it was already")
        return {"environment": self.environment, "version": version}
