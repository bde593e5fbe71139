"""Task ``select_samples``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowNotFoundException

from feedback_loop.forms import filled_in
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from feedback_loop.operators.interval_operator import IntervalOperator
from include.foundation.config.manual_runs import ObserveRun

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


class SelectSamplesOperator(IntervalOperator):
    """Choose the rows worth a label, with known inclusion probabilities, and write them to the request ledger.

    Parameters
    ----------
    mlflow_conn_id
        Connection of MLflow, see `ModelRegistryHook`, for loops whose model versions vote on rows.
    **kwargs
        Of `IntervalOperator`.
    """

    def __init__(self, *, mlflow_conn_id: str = "mlflow", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlflow_conn_id = mlflow_conn_id

    def perform(self, context: Context) -> dict[str, Any]:
        """Select once per interval; running it again returns the same batch."""
        from include.stages.selection.selecting import select_samples

        form = filled_in(ObserveRun, context["params"])
        form.demand_asking()
        report = select_samples(self.hook.get_conn(), self.data_interval, form.budget, self._newest_models)
        self.log.info(
            "Asked for %d labels of %d rows: %d certain, %d at random",
            report.requests, report.frame_rows, report.certainty, report.random,
        )  # fmt: skip
        return asdict(report)

    def _newest_models(self, n: int) -> "Sequence[LoadedModel]":
        """Return the models of the newest versions; none without MLflow."""
        from include.foundation.models.judged_models import newest_models
        from include.foundation.models.mlflow_access import told_errors

        try:
            registry = ModelRegistryHook(self.loop, self.mlflow_conn_id).get_conn()
        except AirflowNotFoundException:
            return []
        with told_errors():
            return newest_models(self.hook.get_conn(), registry, n)
