"""Task ``retrain``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.operators.decision_operator import DecisionOperator


class RetrainOperator(DecisionOperator):
    """Train the challenger that ``decide_retrain`` planned; one that is trained already is returned as it is."""

    operator_extra_links = (MlflowRunLink(),)

    def perform(self, context: Context) -> dict[str, Any]:
        """Train and return the reference of the challenger's MLflow run."""
        from include.foundation.decisions import RetrainPlan
        from include.stages.training.fitting import train_challenger

        trained = train_challenger(self.hook.get_conn(), self.recorded(RetrainPlan, self.decision), self.registry)
        verb = "was trained before" if trained.already_there else "trained"
        self.log.info("Challenger %s %s: MLflow run %s", trained.challenger_key, verb, trained.run_id)
        return asdict(trained)
