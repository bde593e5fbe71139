"""Task ``detect_drift``."""

from airflow.sdk import Context

from feedback_loop.assets import loop_assets
from feedback_loop.links.page_links import DriftVerdictLink
from feedback_loop.operators.interval_operator import IntervalOperator


class DetectDriftOperator(IntervalOperator):
    """Profile the days that end in the interval and judge them against how much ordinary days differ.

    If none ends in it, the last one is judged again, with the rows that came late. A confirmed alarm whose route is *retrain*
    emits an event of the drift asset through the task's asset alias, once a day.
    """

    operator_extra_links = (DriftVerdictLink(),)

    def perform(self, context: Context) -> dict[str, str]:
        """Judge the interval and return the decision's reference."""
        from include.stages.drift.detection import detect_drift
        from include.stages.drift.page.verdict_page import write_verdict_page
        from include.stages.drift.profiling.profiles import profile_days

        store, window = self.hook.get_conn(), self.data_interval.whole_days
        profiles = profile_days(store, window)
        verdict = detect_drift(store, window)
        if verdict.flagged:
            self.log.info("What differs: %s", write_verdict_page(store, window, verdict))
        self.log.info("%d new profiles; %s: %s", profiles, verdict.outcome, " ".join(verdict.reasons))
        is_new = window.end > self.data_interval.start
        if is_new and verdict.outcome == "alarm" and verdict.route == "retrain":
            assets = loop_assets(self.loop)
            context["outlet_events"][assets.drift_alarm].add(assets.drift)
        return verdict.reference
