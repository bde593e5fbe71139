"""Guard the champion: hold it against its predecessor on the same rows while it lives, and roll it back if it is worse.

**When** the champion changed (`<loop>/model`), and by the loop's cron; by hand with `dry_run` to watch only.

**Reads** `deployments` (what was promised), served rows of days that are over, and the labels that came back since.
**Writes** the guard decision; which rows the two were compared on, and requests for labels of some that they answer differently
(`deploy.comparison_labels`); after a rollback, `deployments` and the alias `champion`. Once a day it also keeps the store
quick to open: no row changes, and no version that a dataset is made of is lost.
**Emits** `<loop>/model` after a rollback, `<loop>/label_requests` when labels are asked for.

Verdicts: *broken* is worse than its predecessor by more than `deploy.max_drop`, and is rolled back. *harder* scores below its
promise, and so would the predecessor: retrain. *below promise* is the same where nothing tells how the predecessor would do.
Both let `retrain` train with `retrain.min_new_labels_on_drift`.
With `deploy.strategy: canary`, while a version is served to a share of the callers, the verdict is on it: *broken* stops it,
*advance* begins its next step (`advance_canary`), after the last of which it is live; *inconclusive*, *no data* and *mismatch*
(callers are not served as its share says) hold it.
*kept*, *inconclusive*; *no data*: the rows logged of late do not name the version. Each says what would change it. The test is
valid however long the model lives and however often it is looked at.

**When it fails**

* `watch_deployment`: the store is not readable; the message names it.
* `request_comparison`: MLflow or the labeling platform cannot be reached. It skips where there is no predecessor, or where it
  cannot be loaded or asked any more; the message says why. The promise is watched all the same.
* `check_store`: the ledgers contradict each other, MLflow, or the bytes that were judged; the message says what is wrong and
  how to mend each. `python -m include reconcile LOOP` mends what has one right answer.
* `maintain_store`: the store is not readable or writable; the message names the table. Mend it and clear the task. It does not
  run on a store that `check_store` found damaged.
* `rollback`: there is no version to go back to. Deploy one by hand, or stop serving the model.

A skipped `rollback` is the good case; a skipped `check_store` or `maintain_store` was done within the last day. After a
rollback, read the guard's reasons and the release notes of the version that was rolled back; the loop goes on learning by
itself.

**Who is told** The notifiers of the loop file, of `rollback`, of `no_live_data` when `deploy.watch_days` pass without a row to
judge by, of `missed_promise` where training is asked for, of `canary_mismatch` where a canary is held because callers are not
served as its share says, and of `failure` when a task is not tried again.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable
from feedback_loop.assets import loop_assets
from feedback_loop.canaries import canary_tasks
from feedback_loop.defaults import dag_arguments, long_timeout
from feedback_loop.forms import trigger_form
from feedback_loop.operators.check_store import CheckStoreOperator
from feedback_loop.operators.maintain_store import MaintainStoreOperator
from feedback_loop.operators.request_comparison import RequestComparisonOperator
from feedback_loop.operators.rollback import RollbackOperator
from feedback_loop.operators.watch_deployment import WatchDeploymentOperator

from include.foundation.config.loading import valid_loops
from include.foundation.config.manual_runs import GuardRun

form = trigger_form(GuardRun)

for loop in valid_loops():
    assets = loop_assets(loop.name)

    with DAG(
        **dag_arguments(loop, "guard"),
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(loop.logs.schedule, timezone="UTC"), assets=assets.model
        ),
        params=form,
        doc_md=__doc__,
    ) as dag:
        watch_deployment = WatchDeploymentOperator(task_id="watch_deployment", loop=loop.name, inlets=[assets.model])
        rollback = RollbackOperator(
            task_id="rollback", loop=loop.name, decision=watch_deployment.output, outlets=[assets.model]
        )
        request_comparison = RequestComparisonOperator(
            task_id="request_comparison",
            loop=loop.name,
            decision=watch_deployment.output,
            execution_timeout=long_timeout(loop),
            pool="labeling",
            outlets=[assets.label_requests],
        )
        check_store = CheckStoreOperator(task_id="check_store", loop=loop.name, execution_timeout=long_timeout(loop))
        maintain_store = MaintainStoreOperator(
            task_id="maintain_store", loop=loop.name, execution_timeout=long_timeout(loop), trigger_rule="none_failed"
        )

        advance_canary = canary_tasks(loop, watch_deployment.output, outlets=[assets.model])

        watch_deployment >> [rollback, request_comparison, *advance_canary]
        check_store >> maintain_store  # where a log was lost, the files that it named are all that is left
