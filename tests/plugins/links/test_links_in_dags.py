"""Which tasks have which links, as Airflow serializes them and as a worker pushes them."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from feedback_loop_plugin import FeedbackLoopPlugin

from tests.conftest import ROOT

LINKS = {
    "observe": {"validate_logs": "Data Docs", "detect_drift": "Drift verdict", "push_to_labeling": "Label Studio"},
    "label": {
        "collect_annotations": "Label Studio",
        "validate_labels": "Data Docs",
        "push_escalations": "Label Studio",
    },
    "retrain": {
        "retrain": "MLflow run",
        "evaluate": "Evaluation, MLflow run",
        "register_model": "MLflow run",
        "write_release_notes": "Release notes",
    },
    "guard": {},
}


@pytest.fixture(scope="module")
def dags():
    return DagBag(dag_folder=str(ROOT / "dags")).dags


@pytest.mark.parametrize("stage", LINKS)
def test_tasks_of_a_dag_have_their_links_after_serialization(dags, stage):
    dag = DagSerialization.from_dict(DagSerialization.to_dict(dags[f"newswire.{stage}"]))
    links = {task.task_id: ", ".join(sorted(task.extra_links)) for task in dag.tasks if task.extra_links}
    assert links == LINKS[stage]


def test_every_link_of_an_operator_is_registered_by_the_plugin(dags):
    used = {type(link) for dag in dags.values() for task in dag.tasks for link in task.operator_extra_links}
    assert used == {type(link) for link in FeedbackLoopPlugin.operator_extra_links}
