"""Task ``register_model``."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.operators.decision_operator import DecisionOperator


class RegisterModelOperator(DecisionOperator):
    """Register the challenger as one model version with its lineage, under the alias ``challenger``.

    Parameters
    ----------
    challenger
        What ``retrain`` returned. Templated.
    **kwargs
        Of `DecisionOperator`; ``decision`` is the evaluation.
    """

    template_fields: Sequence[str] = ("decision", "challenger")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, challenger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger

    def perform(self, context: Context) -> dict[str, str]:
        """Register once and return the version."""
        from include.foundation.decisions import Evaluation
        from include.foundation.models.registry import CHALLENGER

        measured = self.recorded(Evaluation, self.decision)
        version = self.registry.register(self.challenger["run_id"], {"evaluation": measured.evidence_digest})
        self.registry.set_alias(CHALLENGER, version)
        self.log.info("Challenger %s is version %s", measured.subject, version)
        return {"version": version, "run_id": self.challenger["run_id"]}
