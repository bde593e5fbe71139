"""Task ``register_model``."""

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.operators.challenger_operator import ChallengerOperator


class RegisterModelOperator(ChallengerOperator):
    """Register the challenger as one model version with its lineage, under the alias ``challenger``.

    ``decision`` is the evaluation.
    """

    operator_extra_links = (MlflowRunLink(),)

    def perform(self, context: Context) -> dict[str, str]:
        """Register once and return the version."""
        from include.foundation.decisions import Evaluation
        from include.foundation.models.registry import CHALLENGER

        measured = self.recorded(Evaluation, self.decision)
        version = self.registry.register(self.run_id, {"evaluation": measured.evidence_digest})
        self.registry.set_alias(CHALLENGER, version)
        self.log.info("Challenger %s is version %s", measured.subject, version)
        return {"version": version, "run_id": self.run_id}
