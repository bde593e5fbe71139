"""Task ``watch_deployment``."""

from airflow.sdk import Context

from feedback_loop.index_page import show
from feedback_loop.operators.loop_operator import LoopOperator


class WatchDeploymentOperator(LoopOperator):
    """Hold the champion against its predecessor and its promise; tell people where it does worse, or nobody can tell."""

    def perform(self, context: Context) -> dict[str, str]:
        """Record the verdict and return its reference."""
        from include.stages.deployment.watching import watch_deployment
        from include.stages.reports.kept_pages import write_index

        verdict = watch_deployment(self.hook.get_conn())
        said = f"{verdict.outcome}: {' '.join(verdict.reasons)}"
        self.log.info("%s", said)
        deployment, told = str(verdict.deployment), f"version {verdict.subject}, {said}"
        if verdict.watch_ended:
            self.announce(context, "no_live_data", deployment, f"NOT WATCHED: {told}")
        if verdict.asks_for_training:
            self.announce(context, "missed_promise", deployment, f"BELOW ITS PROMISE: {told}")
        if verdict.outcome == "mismatch":
            self.announce(context, "canary_mismatch", deployment, f"CANARY HELD: {told}")
        show(write_index, self.hook.get_conn())
        return verdict.reference
