"""Task ``gate``."""

from airflow.sdk import BranchMixIn, Context

from feedback_loop.operators.decision_operator import DecisionOperator

NEXT = {"promote": ["approve"], "label_more": ["request_evidence"], "reject": []}


class GateOperator(DecisionOperator, BranchMixIn):
    """Judge the challenger within the loop's error budget, and go on accordingly.

    *promote* goes on to ``approve``, *label_more* to ``request_evidence``; every verdict goes into the release notes.
    """

    inherits_from_skipmixin = True

    def perform(self, context: Context) -> dict[str, str]:
        """Judge, return the decision's reference and choose the branch."""
        from include.foundation.decisions import Evaluation
        from include.stages.gate.judging import judge

        verdict = judge(self.hook.get_conn(), self.recorded(Evaluation, self.decision))
        self.log.info("%s: %s", verdict.outcome, " ".join(verdict.reasons))
        # Choosing a branch ends the task by raising, so its result is pushed here.
        context["ti"].xcom_push(key="return_value", value=verdict.reference)
        self.do_branch(context, [*NEXT[verdict.outcome], "write_release_notes"])
        return verdict.reference
