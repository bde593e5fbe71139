"""Task ``pull_logs``."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from airflow.sdk import Context

from feedback_loop.operators.loop_operator import LoopOperator
from include.store.interval import Interval


class PullLogsOperator(LoopOperator):
    """Pull the prediction logs and the feedback of one data interval into the store.

    The interval is the run's own, or what ``start`` and ``end`` of the trigger form say. Returns its key and the counts
    of what was read and refused.
    """

    def perform(self, context: Context) -> dict[str, Any]:
        """Pull one interval; running it again changes nothing."""
        from include.logs.feedback_lines import pull_feedback
        from include.logs.pulling import pull_logs

        store, key = self.hook.get_conn(), self.hook.pseudonym_key
        interval = _interval(context, store.loop.logs.schedule)
        pulled = pull_logs(store, interval, key)
        feedback = pull_feedback(store, interval, key)
        self.log.info(
            "%s: %d rows (%d late), %d refused, %d repeated, %d feedback lines",
            interval.key, pulled.rows, pulled.late, pulled.refused, pulled.duplicates, feedback.rows,
        )  # fmt: skip
        return {"interval": interval.key, "logs": asdict(pulled), "feedback": asdict(feedback)}


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
