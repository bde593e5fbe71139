"""Task ``watch_deployment``."""

from airflow.sdk import Context

from feedback_loop.index_page import show
from feedback_loop.operators.loop_operator import LoopOperator


class WatchDeploymentOperator(LoopOperator):
    """Compare what the champion promised with the weighted estimate of how it does live; tell where there is none."""

    def perform(self, context: Context) -> dict[str, str]:
        """Record the verdict and return its reference."""
        from include.stages.deployment.watching import watch_deployment
        from include.stages.reports.release_notes import update_index

        verdict = watch_deployment(self.hook.get_conn())
        said = f"{verdict.outcome}: {' '.join(verdict.reasons)}"
        self.log.info("%s", said)
        if verdict.watch_ended:
            self.announce(
                context, "no_live_data", str(verdict.deployment), f"NOT WATCHED: version {verdict.subject}, {said}"
            )
        show(update_index, self.hook.get_conn())
        return verdict.reference
