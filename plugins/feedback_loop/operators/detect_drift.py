"""Task ``detect_drift``."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowNotFoundException

from feedback_loop.assets import loop_assets
from feedback_loop.forms import filled_in
from feedback_loop.hooks.model_registry_hook import ModelRegistryHook
from feedback_loop.links.page_links import DriftVerdictLink
from feedback_loop.operators.interval_operator import IntervalOperator
from include.foundation.config.manual_runs import ObserveRun

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


class DetectDriftOperator(IntervalOperator):
    """Profile the days that end in the interval and judge them against how much ordinary days differ.

    If none ends in it, the last one is judged again, with the rows that came late. A model version that is new to the loop is
    asked about the days before, if MLflow has it. Who is to hear of a new alarm is told; one that asks for a new model also
    emits an event of the drift asset, through the task's asset alias.

    Parameters
    ----------
    mlflow_conn_id
        Connection of MLflow, see `ModelRegistryHook`.
    **kwargs
        Of `IntervalOperator`.
    """

    operator_extra_links = (DriftVerdictLink(),)

    def __init__(self, *, mlflow_conn_id: str = "mlflow", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlflow_conn_id = mlflow_conn_id

    def perform(self, context: Context) -> dict[str, str]:
        """Judge the interval and return the decision's reference."""
        from include.stages.drift.acceptance import accept_normal
        from include.stages.drift.detection import detect_drift
        from include.stages.drift.page.verdict_page import write_verdict_page
        from include.stages.drift.profiling.profiles import profile_days

        store, window = self.hook.get_conn(), self.data_interval.whole_days
        if first := filled_in(ObserveRun, context["params"]).first_ordinary_day:
            self.log.info("%s", " ".join(accept_normal(store, first, window).reasons))
        profiles = profile_days(store, window)
        verdict = detect_drift(store, window, self._version)
        page = write_verdict_page(store, window, verdict) if verdict.flagged else None
        self.log.info("%d new profiles; %s: %s", profiles, verdict.outcome, " ".join(verdict.reasons))
        self.log.info("What differs: %s", page or "nothing")
        self._raise_alarm(context, verdict.outcome, verdict.route, page)
        return verdict.reference

    def _version(self, version: str) -> "LoadedModel | None":
        """Return the model of a version; None if there is no MLflow, or none that knows it."""
        from include.foundation.models.judged_models import logged_model
        from include.foundation.models.mlflow_access import told_errors

        try:
            registry = ModelRegistryHook(self.loop, self.mlflow_conn_id).get_conn()
        except AirflowNotFoundException:
            return None
        with told_errors():
            return logged_model(self.hook.get_conn(), registry, version)

    def _raise_alarm(self, context: Context, outcome: str, route: str, page: str | None) -> None:
        """Wake who is to act on a new alarm, and tell people of it."""
        from include.stages.drift.routing import is_new_alarm, wakes_retraining

        if wakes_retraining(outcome, route, self.data_interval):
            assets = loop_assets(self.loop)
            context["outlet_events"][assets.drift_alarm].add(assets.drift)
        if is_new_alarm(outcome, self.data_interval):
            window = self.data_interval.whole_days.key
            self.announce(
                context, "drift_alarm", window, f"Drift was confirmed in {window}; what to do: {route}.", page
            )
