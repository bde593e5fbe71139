"""Task ``evaluate``."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from feedback_loop.links.mlflow_run_link import MlflowRunLink
from feedback_loop.operators.decision_operator import DecisionOperator


class EvaluateOperator(DecisionOperator):
    """Score champion and challenger on the same weighted holdout rows, overall and by slice, with intervals.

    Parameters
    ----------
    challenger
        What ``retrain`` returned. Templated.
    **kwargs
        Of `DecisionOperator`; ``decision`` is the retrain decision, which names the dataset to judge on.
    """

    template_fields: Sequence[str] = ("decision", "challenger")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, challenger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger

    def perform(self, context: Context) -> dict[str, str]:
        """Evaluate and return the decision's reference."""
        from include.foundation.decisions import RetrainPlan
        from include.stages.evaluation.comparing import evaluate
        from include.stages.labels.datasets import read_dataset

        store, plan = self.hook.get_conn(), self.recorded(RetrainPlan, self.decision)
        name = plan.evaluation_dataset
        challenger = self.registry.load(run_id=self.challenger["run_id"])
        measured = evaluate(store, read_dataset(store, name), name, self.registry.champion(), challenger)
        self.log.info("%s", " ".join(measured.reasons))
        return measured.reference
