"""Task ``plan_pull``."""

from datetime import datetime

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator
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
        context["ti"].xcom_push("interval", interval.key)
        self.log.info("%s: %d slices of files to read in %d partitions", interval.key, sum(map(len, plan)), len(plan))
        return write_plan(pull, plan)


def _interval(context: Context, schedule: str) -> Interval:
    """Return what the form says, else the run's data interval, else the schedule's last complete interval."""
    params, run = context["params"], context["dag_run"]
    if params.get("start") or params.get("end"):
        return Interval.parse(str(params.get("start")), str(params.get("end")))
    if run.data_interval_start and run.data_interval_end:
        return Interval(run.data_interval_start, run.data_interval_end)
    return _last_complete(schedule, run.run_after)


def _last_complete(schedule: str, moment: datetime) -> Interval:
    """Return the interval that ended last before ``moment``: a run by hand has none of its own."""
    from croniter import croniter

    ticks = croniter(schedule, moment)
    end = ticks.get_prev(datetime)
    return Interval(ticks.get_prev(datetime), end)
