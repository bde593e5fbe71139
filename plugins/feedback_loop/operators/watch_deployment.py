"""Task ``watch_deployment``."""

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator


class WatchDeploymentOperator(LoopOperator):
    """Compare what the champion promised with the weighted estimate of how it does live."""

    def perform(self, context: Context) -> dict[str, str]:
        """Record the verdict and return its reference."""
        from include.stages.deployment.watching import watch_deployment

        verdict = watch_deployment(self.hook.get_conn())
        self.log.info("%s: %s", verdict.outcome, " ".join(verdict.reasons))
        return verdict.reference
