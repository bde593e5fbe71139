"""Task ``decide_retrain``."""

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.index_page import show
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.config.manual_runs import RetrainRun


class DecideRetrainOperator(LoopOperator):
    """Decide whether to train a challenger, judge a pending one again, or do nothing; *no* skips the rest."""

    def perform(self, context: Context) -> dict[str, str]:
        """Record the decision with its reasons and return its reference."""
        from include.foundation.decisions.acting import demand_outcome
        from include.stages.reports.kept_pages import write_index
        from include.stages.training.deciding import decide_retrain

        store = self.hook.get_conn()
        form = filled_in(RetrainRun, context["params"])
        decision = decide_retrain(store, force=form.force)
        self.log.info("%s: %s", decision.outcome, " ".join(decision.reasons))
        show(write_index, store)
        demand_outcome(decision, {"train", "judge_pending"}, dry_run=form.dry_run)
        return decision.reference
