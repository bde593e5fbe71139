"""Task ``publish_dataset``."""

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.index_page import show
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.config.manual_runs import LabelRun


class PublishDatasetOperator(LoopOperator):
    """Name the present labels as a dataset version: rows, splits, digest and what changed.

    Skips if no label changed, but not in a retry: see `publish_in_attempt`.
    """

    def perform(self, context: Context) -> dict[str, str]:
        """Publish and return the decision's reference."""
        from include.stages.labels.dataset_publishing import publish_in_attempt
        from include.stages.reports.kept_pages import write_index

        anyway = filled_in(LabelRun, context["params"]).publish_anyway
        store = self.hook.get_conn()
        published = publish_in_attempt(store, context["ti"].try_number, anyway=anyway)
        self.log.info("Dataset %s: %s", published.subject, " ".join(published.reasons))
        show(write_index, store)
        return published.reference
