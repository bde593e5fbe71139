"""Task ``retrain``."""

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.operators.decision_operator import DecisionOperator
from feedback_loop.ui.mounting import PAGES, airflow_address


class RetrainOperator(DecisionOperator):
    """Train the challenger that ``decide_retrain`` planned; one that is trained already is returned as it is."""

    operator_extra_links = (MlflowRunLink(),)

    def perform(self, context: Context) -> dict[str, Any]:
        """Train and return the reference of the challenger's MLflow run."""
        from include.foundation.decisions import RetrainPlan
        from include.stages.training.fitting import train_challenger

        plan = self.recorded(RetrainPlan, self.decision)
        trained = train_challenger(self.hook.get_conn(), plan, self.registry, _note(context))
        verb = "was trained before" if trained.already_there else "trained"
        self.log.info("Challenger %s %s: MLflow run %s", trained.challenger_key, verb, trained.run_id)
        return asdict(trained)


def _note(context: Context) -> str:
    """Return Markdown that says which run trains, with a link to what it decided where browsers reach Airflow."""
    dag_id, run_id = context["ti"].dag_id, context["ti"].run_id
    address = airflow_address(f"{PAGES}/dags/{dag_id}/runs/{quote(run_id, safe='')}")
    return f"Trained by {dag_id}, [{run_id}]({address})." if address else f"Trained by {dag_id}, {run_id}."
