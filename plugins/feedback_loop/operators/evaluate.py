"""Task ``evaluate``."""

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.links.page_links import EvaluationLink
from feedback_loop.operators.challenger_operator import ChallengerOperator


class EvaluateOperator(ChallengerOperator):
    """Score champion and challenger on the same weighted holdout rows, overall and by slice, with intervals.

    ``decision`` is the retrain decision, which names the dataset to judge on.
    """

    operator_extra_links = (EvaluationLink(), MlflowRunLink())

    def perform(self, context: Context) -> dict[str, str]:
        """Evaluate and return the decision's reference."""
        from include.foundation.decisions import RetrainPlan
        from include.stages.evaluation.comparing import evaluate
        from include.stages.labels.datasets import read_dataset

        store, plan = self.hook.get_conn(), self.recorded(RetrainPlan, self.decision)
        name = plan.evaluation_dataset
        challenger = self.load_challenger(plan.challenger_key)
        measured = evaluate(store, read_dataset(store, name), name, self.live_model(), challenger)
        self.log.info("%s", " ".join(measured.reasons))
        return measured.reference
