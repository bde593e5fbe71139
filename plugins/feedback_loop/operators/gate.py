"""Task ``gate``."""

from typing import Any

from airflow.sdk import BaseOperator, BranchMixIn, Context

from feedback_loop.operators.decision_operator import DecisionOperator


class GateOperator(DecisionOperator, BranchMixIn):
    """Judge the challenger within the loop's error budget, and on live requests with ``strategy: shadow``; go on accordingly.

    ``decision`` is the evaluation. `lead_to` says which task follows which verdict.
    """

    inherits_from_skipmixin = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.next_tasks: dict[str, list[str]] = {}

    def lead_to(self, *, promote: BaseOperator, label_more: BaseOperator, always: BaseOperator) -> None:
        """Set the tasks that follow this one.

        Parameters
        ----------
        promote
            Follows the verdict *promote*.
        label_more
            Follows the verdict *label_more*.
        always
            Follows every verdict; *reject* and *await live* lead to this one only.
        """
        self >> [promote, label_more, always]
        self.next_tasks = {
            "promote": [promote.task_id, always.task_id],
            "label_more": [label_more.task_id, always.task_id],
            "reject": [always.task_id],
            "await_live": [always.task_id],
        }

    def perform(self, context: Context) -> dict[str, str]:
        """Judge, return the decision's reference and choose the branch."""
        from include.foundation.decisions import Evaluation
        from include.stages.evaluation.live_requests import live_comparison
        from include.stages.gate.judging import judge

        store, measured = self.hook.get_conn(), self.recorded(Evaluation, self.decision)
        verdict = judge(store, measured, live_comparison(store, lambda: self.registry, measured))
        self.log.info("%s: %s", verdict.outcome, " ".join(verdict.reasons))
        # Choosing a branch ends the task by raising, so its result is pushed here.
        context["ti"].xcom_push(key="return_value", value=verdict.reference)
        self.do_branch(context, self.next_tasks[verdict.outcome])
        return verdict.reference
