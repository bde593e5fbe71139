"""Observe what the live model does: pull its logs, judge drift, ask for the labels worth having.

**When** the loop's cron, one run per data interval; by hand with a date range, a label budget,
`dry_run`, or `ordinary_from` to accept a new normal.

**Reads** the prediction logs and feedback named in the loop file, and the reference days in the store.
**Writes** `predictions`, `quarantine`, `feedback`, `profiles`, `requests` and the drift and selection decisions; with
`deploy.strategy: shadow` also `shadow_answers`, what challengers said of live requests.
**Emits** `<loop>/predictions`, `<loop>/label_requests`, and `<loop>/drift` when an alarm is confirmed.

**When it fails**

* `plan_pull`: the log folder is missing or not readable; the message names it. Mend the path or the connection, then
  clear the task. If rows that were read are gone, the message says how to rebuild the table. A large pull is planned in
  partitions, and `pull_logs` is mapped over them.
* `pull_logs`, `pull_feedback`, `pull_shadow`: the database or the object store does not answer. Clear the task: pulling again
  changes nothing.
  A file that has gone since the plan is refused, and read by the next pull that finds it.
* `validate_logs`: more lines were refused than `logs.max_refused_share` allows; the message shows the first ten, the
  rest are in `quarantine`. Mend the writer of the logs, then clear `plan_pull`.
* `push_to_labeling`: the labeling platform does not answer. Clear the task: nothing is asked twice.

* Any task that works longer than `tasks.timeout_minutes`, or `tasks.long_timeout_minutes` where logs are read: it is stopped
  and tried again. Raise the limit if the work is really that large.

A skipped task had nothing to do; its log says why.

**Who is told** The notifiers of the loop file, of `drift_alarm` when an alarm is new, and of `failure` when a task is not tried
again.
"""

from airflow.sdk import DAG, CronDataIntervalTimetable, XComArg
from feedback_loop.assets import loop_assets
from feedback_loop.defaults import dag_arguments, long_timeout
from feedback_loop.forms import trigger_form
from feedback_loop.operators.detect_drift import DetectDriftOperator
from feedback_loop.operators.plan_pull import PlanPullOperator
from feedback_loop.operators.pull_feedback import PullFeedbackOperator
from feedback_loop.operators.pull_logs import PullLogsOperator
from feedback_loop.operators.push_to_labeling import PushToLabelingOperator
from feedback_loop.operators.select_samples import SelectSamplesOperator
from feedback_loop.operators.validate_logs import ValidateLogsOperator
from feedback_loop.shadows import shadow_tasks

from include.foundation.config.loading import valid_loops
from include.foundation.config.manual_runs import ObserveRun

form = trigger_form(ObserveRun)

for loop in valid_loops():
    name, assets, long = loop.name, loop_assets(loop.name), long_timeout(loop)

    with DAG(
        **dag_arguments(loop, "observe"),
        schedule=CronDataIntervalTimetable(loop.logs.schedule, timezone="UTC"),
        params=form,
        doc_md=__doc__,
    ) as dag:
        plan_pull = PlanPullOperator(task_id="plan_pull", loop=name, execution_timeout=long, inlets=[assets.model])
        interval = XComArg(plan_pull, key="interval")
        pull_logs = PullLogsOperator.partial(
            task_id="pull_logs", loop=name, interval=interval, execution_timeout=long
        ).expand(partition=plan_pull.output)
        pull_feedback = PullFeedbackOperator(
            task_id="pull_feedback", loop=name, interval=interval, execution_timeout=long
        )
        pull_shadow = shadow_tasks(loop, interval, execution_timeout=long)
        validate_logs = ValidateLogsOperator(
            task_id="validate_logs", loop=name, interval=interval, outlets=[assets.predictions]
        )
        detect_drift = DetectDriftOperator(
            task_id="detect_drift", loop=name, interval=interval, execution_timeout=long, outlets=[assets.drift_alarm]
        )
        select_samples = SelectSamplesOperator(
            task_id="select_samples", loop=name, interval=interval, execution_timeout=long
        )
        push_to_labeling = PushToLabelingOperator(
            task_id="push_to_labeling", loop=name, pool="labeling", outlets=[assets.label_requests]
        )

        (
            plan_pull
            >> [pull_logs, pull_feedback, *pull_shadow]
            >> validate_logs
            >> detect_drift
            >> select_samples
            >> push_to_labeling
        )
