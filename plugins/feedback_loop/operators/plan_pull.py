"""Task ``plan_pull``."""

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.config.manual_runs import ObserveRun
from include.foundation.intervals import Interval


class PlanPullOperator(LoopOperator):
    """Find what is to read for one data interval, in partitions: each becomes a mapped ``pull_logs``.

    The interval is the run's own, or what ``start`` and ``end`` of the trigger form say; its key is the XCom ``interval``.
    Returns the partitions' keys, at least one.
    """

    def perform(self, context: Context) -> list[str]:
        """Plan the pull and write the plan beside the tables."""
        from include.stages.logs.pull import Pull
        from include.stages.logs.pulling import plan_pull, write_plan

        store = self.hook.get_conn()
        interval = _interval(context, store.loop.logs.schedule)
        pull = Pull("logs", store, interval, self.hook.pseudonym_key, self.access(store.loop.logs))
        plan = plan_pull(pull)
        parts = plan.partitions
        context["ti"].xcom_push("interval", interval.key)
        self.log.info("%s: %d slices of files to read in %d partitions", interval.key, sum(map(len, parts)), len(parts))
        for warning in plan.warnings:
            self.log.warning(warning)
        return write_plan(pull, parts)


def _interval(context: Context, schedule: str) -> Interval:
    run, form = context["dag_run"], filled_in(ObserveRun, context["params"])
    start, end = run.data_interval_start, run.data_interval_end
    return form.interval(Interval(start, end) if start and end else None, schedule, run.run_after)
