"""A link from a task to the MLflow run of its challenger."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from feedback_loop.hooks.model_registry_hook import ModelRegistryHook

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class MlflowRunLink(BaseOperatorLink):
    """To the run that ``retrain`` made, or that ``evaluate`` and ``register_model`` were given.

    MLflow without a server has no page to link to: the link is then empty, and the task's log says why.
    """

    name = "MLflow run"

    def get_link(self, operator: Any, *, ti_key: "TaskInstanceKey") -> str:
        """Return the run's address in MLflow's UI; empty if there is no run, or MLflow has no server.

        Parameters
        ----------
        operator
            One of ours, its templates rendered.
        ti_key
            Of the task instance that has ended.
        """
        from airflow.sdk.execution_time.xcom import XCom

        challenger = getattr(operator, "challenger", None) or XCom.get_value(ti_key=ti_key, key="return_value")
        if not isinstance(challenger, dict) or "run_id" not in challenger:
            return ""  # the task failed or was skipped before there was a run
        address = run_address(operator.loop, operator.mlflow_conn_id, str(challenger["run_id"]))
        if address is None:
            operator.log.info("No link %r: MLflow has no server here; see `tracking_uri` and `ui_uri`", self.name)
        return address or ""


def run_address(loop: str, mlflow_conn_id: str, run_id: str) -> str | None:
    """Return a run's address in MLflow's UI; None where MLflow has no server.

    Parameters
    ----------
    loop
        Name of the loop.
    mlflow_conn_id
        Connection of MLflow.
    run_id
        Of the run.
    """
    place = ModelRegistryHook(loop, mlflow_conn_id).ui_uri
    return None if place is None else f"{place}/#/runs/{quote(run_id, safe='')}"
