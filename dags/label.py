"""Turn answers into a dataset: wait for the annotators, validate what they said, publish a version.

**When** labels were asked for (`<loop>/label_requests`), and by the loop's cron in case answers came late; by hand,
with `wait` off, to use the answers that are there now.

**Reads** `requests` and the answers in the labeling backend; seed labels, if the loop file names some.
**Writes** `annotations`, `labels`, `quarantine` (what people withdrew, with reasons), `requests` to the next tier, and the
dataset decision.
**Emits** `<loop>/dataset`; `<loop>/label_requests` when somebody else was asked (`escalation` of the loop file).

**When it fails**

* `collect_annotations`: the labeling backend does not answer, or refused the token. Mend it and clear the task. Or a
  labeling job has failed: the message says what to do, and marking the task as success goes on without its answers. While
  it waits it is *deferred* and holds no worker; it goes on at `labeling.quorum` or `labeling.deadline_hours`.
* `validate_labels`: the batch is shown to be bad; the message has every figure, the key of the loop file that demands
  another, and the page. Look at the instructions and the annotators before you change the key; answers that are
  corrected are judged anew.

A skipped `publish_dataset` found no new label, a skipped `push_escalations` nothing to ask of the next tier.

**Who is told** The notifiers of the loop file, of `label_reminder` when people were waited for long, of `label_deadline`
when the deadline passed before the quorum was reached,
of `annotator` when one is right less often than before or than the team, and of `failure` when a task is not tried again.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable
from feedback_loop.assets import loop_assets
from feedback_loop.defaults import dag_arguments
from feedback_loop.forms import trigger_form
from feedback_loop.operators.collect_annotations import CollectAnnotationsOperator
from feedback_loop.operators.publish_dataset import PublishDatasetOperator
from feedback_loop.operators.push_to_labeling import PushToLabelingOperator
from feedback_loop.operators.validate_labels import ValidateLabelsOperator

from include.foundation.config.loading import valid_loops
from include.foundation.config.manual_runs import LabelRun

form = trigger_form(LabelRun)

for loop in valid_loops():
    assets = loop_assets(loop.name)

    with DAG(
        **dag_arguments(loop, "label"),
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(loop.logs.schedule, timezone="UTC"), assets=assets.label_requests
        ),
        params=form,
        doc_md=__doc__,
    ) as dag:
        collect_annotations = CollectAnnotationsOperator(
            task_id="collect_annotations", loop=loop.name, inlets=[assets.label_requests]
        )
        validate_labels = ValidateLabelsOperator(task_id="validate_labels", loop=loop.name)
        publish_dataset = PublishDatasetOperator(task_id="publish_dataset", loop=loop.name, outlets=[assets.dataset])

        push_escalations = PushToLabelingOperator(
            task_id="push_escalations", loop=loop.name, only_new=True, pool="labeling", outlets=[assets.label_requests]
        )

        collect_annotations >> validate_labels >> [publish_dataset, push_escalations]
