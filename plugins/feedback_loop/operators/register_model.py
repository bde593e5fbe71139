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
        from include.stages.evaluation.registering import register_challenger

        measured = self.recorded(Evaluation, self.decision)
        registered = register_challenger(self.hook.get_conn(), self.registry, measured)
        self.log.info("Challenger %s is version %s", registered.subject, registered.version)
        return {"version": registered.version, "run_id": registered.run_id}
