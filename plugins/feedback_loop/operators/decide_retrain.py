"""Task ``decide_retrain``."""

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.errors import NothingToDo


class DecideRetrainOperator(LoopOperator):
    """Decide whether to train a challenger, judge a pending one again, or do nothing; *no* skips the rest."""

    def perform(self, context: Context) -> dict[str, str]:
        """Record the decision with its reasons and return its reference."""
        from include.stages.training.deciding import decide_retrain

        decision = decide_retrain(self.hook.get_conn(), force=bool(context["params"].get("force")))
        self.log.info("%s: %s", decision.outcome, " ".join(decision.reasons))
        if decision.outcome == "no" or context["params"].get("dry_run"):
            raise NothingToDo(f"{decision.outcome}: {' '.join(decision.reasons)}")
        return decision.reference
