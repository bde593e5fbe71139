"""Task ``plan_pull``."""

from airflow.sdk import Context

from feedback_loop.forms import filled_in
from feedback_loop.operators.loop_operator import LoopOperator
from include.foundation.config.manual_runs import ObserveRun
from include.foundation.intervals import Interval

OVERLOOKED = (
    "%d files were never read, and are older than what this run reads; the oldest is %s, last written at %s. "
    "To read them, run observe by hand with an earlier start, or renew their modification times."
)


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
        plan, overlooked = plan_pull(pull)
        context["ti"].xcom_push("interval", interval.key)
        self.log.info("%s: %d slices of files to read in %d partitions", interval.key, sum(map(len, plan)), len(plan))
        if overlooked:
            oldest = min(overlooked, key=lambda file: file.written_at)
            self.log.warning(OVERLOOKED, len(overlooked), oldest.name, oldest.written_at.isoformat(timespec="seconds"))
        return write_plan(pull, plan)


def _interval(context: Context, schedule: str) -> Interval:
    run, form = context["dag_run"], filled_in(ObserveRun, context["params"])
    start, end = run.data_interval_start, run.data_interval_end
    return form.interval(Interval(start, end) if start and end else None, schedule, run.run_after)
