"""Task ``request_evidence``."""

from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.challenger_operator import ChallengerOperator


class RequestEvidenceOperator(ChallengerOperator):
    """Ask for labels of logged rows on which champion and challenger disagree, drawn with known probability.

    ``decision`` is the gate's verdict *label_more*. One pusher at a time: give it a pool of one slot.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Draw, push and return the counts; running it again asks nothing twice."""
        from include.foundation.decisions import GateVerdict
        from include.stages.gate.evidence_rounds import request_evidence
        from include.stages.labeling.pushing import push_requests

        store, verdict = self.hook.get_conn(), self.recorded(GateVerdict, self.decision)
        asked = request_evidence(store, verdict, self.live_model(), self.load_challenger(verdict.subject))
        push_requests(store, LabelingHook(self.loop).get_conn())
        self.log.info("Asked for %d labels on disagreements", asked.requests)
        return asdict(asked)
