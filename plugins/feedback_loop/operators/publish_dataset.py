"""Task ``publish_dataset``."""

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator


class PublishDatasetOperator(LoopOperator):
    """Name the present labels as a dataset version: rows, splits, digest and what changed.

    Skips if no label changed, but not in a retry: see `publish_in_attempt`.
    """

    def perform(self, context: Context) -> dict[str, str]:
        """Publish and return the decision's reference."""
        from include.stages.labels.datasets import publish_in_attempt

        published = publish_in_attempt(self.hook.get_conn(), context["ti"].try_number)
        self.log.info("Dataset %s: %s", published.subject, " ".join(published.reasons))
        return published.reference
