"""Turn a dataset into a better champion: decide, train, evaluate, register, judge, sign off, deploy.

**When** a dataset was published (`<loop>/dataset`), drift was confirmed (`<loop>/drift`), and by the loop's cron; by hand,
with `force`, or with `dry_run` to hear only what would be done.

**Reads** the newest dataset, the champion, and the history of decisions.
**Writes** an MLflow run and model version, the retrain, evaluation, gate and approval decisions, `deployments`, and the
release notes.
**Emits** `<loop>/model` when the champion changed, `<loop>/label_requests` when the gate needs more labels to decide.

`gate` has these verdicts. *promote* goes on to `approve`, through the environments of
`deploy.gitops.before_production` if the loop file has any (`deliver_to_<environment>`, and `approve_<environment>` before
each but the first). *reject* ends here. *label more* asks, in `request_evidence`, for labels of rows on which the two models
disagree; the challenger stays pending and is judged again when they are back. *await live*, with `deploy.strategy: shadow`:
labels promote the challenger, and it stays pending until the gateway asked it about `deploy.shadow.requests` live requests.

**When it fails**

* `retrain`: the message says what the dataset lacks, such as a second class.
* `evaluate`, `deploy`: MLflow, or a model's files, are not what the table `deployments` and the gate's verdict say. The message
  names the live version and how to mend it; `python -m include check-store LOOP` says it in full.
* `approve`: nobody answered within `gate.approval_hours`; no answer means no. Clear the task to ask again.
* `deliver_to_…`, `deploy`: the repository of `deploy.gitops` cannot be written or pushed; the message says why. Mend it, then
  clear the task: nothing is committed twice.
* `deploy`: the champion changed after the evidence was taken, so the approval no longer fits. Run the DAG again.

Every task can be cleared and run again: the same dataset and loop file give the same model version.

**Who is told** The notifiers of the loop file, of `approval` when a deployment waits for a person (one of `gate.approvers`,
if the loop file names any), and of `failure` when a task is not tried again.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, TriggerRule, chain
from feedback_loop.assets import loop_assets
from feedback_loop.defaults import dag_arguments, long_timeout
from feedback_loop.environments import environment_tasks
from feedback_loop.forms import trigger_form
from feedback_loop.operators.approve import ApproveDeploymentOperator
from feedback_loop.operators.decide_retrain import DecideRetrainOperator
from feedback_loop.operators.deploy import DeployOperator
from feedback_loop.operators.evaluate import EvaluateOperator
from feedback_loop.operators.gate import GateOperator
from feedback_loop.operators.register_model import RegisterModelOperator
from feedback_loop.operators.request_evidence import RequestEvidenceOperator
from feedback_loop.operators.retrain import RetrainOperator
from feedback_loop.operators.write_release_notes import WriteReleaseNotesOperator

from include.foundation.config.loading import valid_loops
from include.foundation.config.manual_runs import RetrainRun

form = trigger_form(RetrainRun)

for loop in valid_loops():
    name, assets, long = loop.name, loop_assets(loop.name), long_timeout(loop)

    with DAG(
        **dag_arguments(loop, "retrain"),
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(loop.logs.schedule, timezone="UTC"), assets=assets.dataset | assets.drift
        ),
        params=form,
        doc_md=__doc__,
    ) as dag:
        decide_retrain = DecideRetrainOperator(task_id="decide_retrain", loop=name, inlets=[assets.dataset])
        retrain = RetrainOperator(task_id="retrain", loop=name, decision=decide_retrain.output, execution_timeout=long)
        evaluate = EvaluateOperator(
            task_id="evaluate",
            loop=name,
            decision=decide_retrain.output,
            challenger=retrain.output,
            execution_timeout=long,
        )
        register_model = RegisterModelOperator(
            task_id="register_model", loop=name, decision=evaluate.output, challenger=retrain.output
        )
        gate = GateOperator(task_id="gate", loop=name, decision=evaluate.output)
        request_evidence = RequestEvidenceOperator(
            task_id="request_evidence",
            loop=name,
            decision=gate.output,
            challenger=retrain.output,
            execution_timeout=long,
            pool="labeling",
            outlets=[assets.label_requests],
        )
        approve = ApproveDeploymentOperator(task_id="approve", loop=name, gate=gate.output, policy=loop.gate)
        deploy = DeployOperator(
            task_id="deploy", loop=name, decision=gate.output, approval=approve.output, outlets=[assets.model]
        )
        write_release_notes = WriteReleaseNotesOperator(
            task_id="write_release_notes",
            loop=name,
            decision=gate.output,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        )

        decide_retrain >> retrain >> evaluate >> register_model >> gate
        path_to_production = [*environment_tasks(loop, gate), approve, deploy, write_release_notes]
        gate.lead_to(promote=path_to_production[0], label_more=request_evidence, always=write_release_notes)
        chain(*path_to_production)
        request_evidence >> write_release_notes
