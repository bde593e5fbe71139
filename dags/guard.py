"""Guard the champion: hold what it promised against what it does, and roll it back if the promise is broken.

**When** the champion changed (`<loop>/model`), and by the loop's cron; by hand with `dry_run` to watch only.

**Reads** `deployments` (what was promised) and the labels of the random stratum that came back since.
**Writes** the guard decision and, after a rollback, `deployments` and the alias `champion`. Once a day it also keeps the store
quick to open: no row changes, and no version that a dataset is made of is lost.
**Emits** `<loop>/model` after a rollback.

The test is valid however often it is looked at; few labels give *inconclusive*, never *kept*. *no data* says that no row
names the version since it went live, and which versions the rows name.

**When it fails**

* `watch_deployment`: the store is not readable; the message names it.
* `check_store`: the ledgers contradict each other, MLflow, or the bytes that were judged; the message says what is wrong and
  how to mend each. `python -m include reconcile LOOP` mends what has one right answer.
* `maintain_store`: the store is not readable or writable; the message names the table. Mend it and clear the task. It does not
  run on a store that `check_store` found damaged.
* `rollback`: there is no version to go back to. Deploy one by hand, or stop serving the model.

A skipped `rollback` is the good case; a skipped `check_store` or `maintain_store` was done within the last day. After a
rollback, read the guard's reasons and the release notes of the version that was rolled back; the loop goes on learning by
itself.

**Who is told** The notifiers of the loop file, of `rollback`, of `no_live_data` when the days of watching pass without a row to
judge by, and of `failure` when a task is not tried again.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable
from feedback_loop.assets import loop_assets
from feedback_loop.defaults import dag_arguments, long_timeout
from feedback_loop.forms import trigger_form
from feedback_loop.operators.check_store import CheckStoreOperator
from feedback_loop.operators.maintain_store import MaintainStoreOperator
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
        check_store = CheckStoreOperator(task_id="check_store", loop=loop.name, execution_timeout=long_timeout(loop))
        maintain_store = MaintainStoreOperator(
            task_id="maintain_store", loop=loop.name, execution_timeout=long_timeout(loop), trigger_rule="none_failed"
        )

        watch_deployment >> rollback
        check_store >> maintain_store  # where a log was lost, the files that it named are all that is left
