"""Task ``detect_drift``."""

from airflow.sdk import Context

from feedback_loop.assets import loop_assets
from feedback_loop.operators.interval_operator import IntervalOperator


class DetectDriftOperator(IntervalOperator):
    """Profile the interval's days and judge them against how much ordinary days differ.

    A confirmed alarm whose route is *retrain* emits an event of the drift asset through the task's asset alias.
    """

    def perform(self, context: Context) -> dict[str, str]:
        """Judge the interval and return the decision's reference."""
        from include.drift.detection import detect_drift
        from include.drift.profiles import profile_days
        from include.drift.verdict_page import write_verdict_page

        store = self.hook.get_conn()
        profiles = profile_days(store, self.data_interval)
        verdict = detect_drift(store, self.data_interval)
        if verdict.evidence["flagged"]:
            self.log.info("What differs: %s", write_verdict_page(store, self.data_interval, verdict))
        self.log.info("%d profiles; %s: %s", profiles, verdict.outcome, " ".join(verdict.reasons))
        if verdict.outcome == "alarm" and verdict.evidence["route"] == "retrain":
            assets = loop_assets(self.loop)
            context["outlet_events"][assets.drift_alarm].add(assets.drift)
        return verdict.reference
