"""Task ``request_evidence``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk import Context

from feedback_loop.hooks.labeling_hook import LabelingHook
from feedback_loop.operators.decision_operator import DecisionOperator


class RequestEvidenceOperator(DecisionOperator):
    """Ask for labels of logged rows on which champion and challenger disagree, drawn with known probability.

    Parameters
    ----------
    challenger
        What ``retrain`` returned. Templated.
    **kwargs
        Of `DecisionOperator`; ``decision`` is the gate's verdict *label_more*.
    """

    template_fields: Sequence[str] = ("decision", "challenger")

    def __init__(self, *, challenger: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.challenger = challenger

    def perform(self, context: Context) -> dict[str, Any]:
        """Draw, push and return the counts; running it again asks nothing twice."""
        from include.foundation.decisions import GateVerdict
        from include.stages.gate.evidence_rounds import request_evidence
        from include.stages.labeling.pushing import push_requests

        store, verdict = self.hook.get_conn(), self.recorded(GateVerdict, self.decision)
        challenger = self.registry.load(run_id=self.challenger["run_id"])
        asked = request_evidence(store, verdict, self.registry.champion(), challenger)
        push_requests(store, LabelingHook(self.loop).get_conn())
        self.log.info("Asked for %d labels on disagreements", asked.requests)
        return asdict(asked)
