"""Pushing and collecting link to the project in Label Studio where a browser reaches it, and to nothing elsewhere."""

import base64
import json
import zlib
from dataclasses import replace
from unittest.mock import Mock

import pytest
from airflow.sdk.types import TaskInstanceKey
from feedback_loop.operators.collect_annotations import CollectAnnotationsOperator
from feedback_loop.operators.push_to_labeling import PushToLabelingOperator

from include.foundation.errors import LabelingError
from include.stages.labeling.label_studio import studio_project
from tests.builders import make_loop
from tests.include.stages.labeling.label_studio.test_studio_tasks import PROJECT
from tests.plugins.operators.operator_builders import write_loop_file

KEY = Mock(spec=TaskInstanceKey)
STUDIO = {"backend": "label_studio", "uri": None}


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Give the loop a labeling section, the connection an extra, and the server a project, or what it raises."""

    def given(labeling=STUDIO, project=PROJECT, **extra):
        titles = project if isinstance(project, dict) else {None: project}
        known = Mock(side_effect=lambda loop, _: _raised(titles.get(loop.labeling.project, titles.get(None))))
        monkeypatch.setattr(studio_project, "known_project", known)
        write_loop_file(tmp_path / "loops", make_loop(tmp_path, labeling=labeling), [])
        monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
        connection = {"conn_type": "http", "host": "studio", "port": 8080, "password": "t0ken", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_LABEL_STUDIO", json.dumps(connection))

    return given


def _raised(project):
    if isinstance(project, Exception):
        raise project
    return project


def link_of(kind, **arguments):
    operator = kind(task_id="t", loop="wire", **arguments)
    (link,) = operator.operator_extra_links
    return link.get_link(operator, ti_key=KEY)


@pytest.mark.parametrize("kind", [PushToLabelingOperator, CollectAnnotationsOperator])
def test_project_is_linked_where_its_server_is(opened, kind):
    opened()
    assert link_of(kind) == "http://studio:8080/projects/1/data"


def test_browsers_may_have_another_address(opened):
    opened(ui_uri="https://labels.example/ ")
    assert link_of(PushToLabelingOperator) == "https://labels.example/projects/1/data"


def test_there_is_no_link_without_a_project_a_server_or_a_page(opened):
    opened(project=None)
    assert link_of(PushToLabelingOperator) == ""
    opened(project=LabelingError("away"))
    assert link_of(PushToLabelingOperator) == ""
    opened(labeling={})
    assert link_of(PushToLabelingOperator) == ""


def test_escalations_link_to_the_project_of_the_first_further_tier_that_has_one(opened):
    opened(project={"wire": PROJECT, "wire: lead": replace(PROJECT, project_id=7)})
    assert link_of(PushToLabelingOperator, only_new=True) == "http://studio:8080/projects/7/data"
    opened(project={"wire": PROJECT})
    assert link_of(PushToLabelingOperator, only_new=True) == ""


def test_a_push_of_one_batch_links_to_its_tasks_alone(opened):
    opened()
    operator = PushToLabelingOperator(task_id="t", loop="wire")
    operator.linked_batch = "2026-11-01/2026-11-02"
    (link,) = operator.operator_extra_links
    address, _, tab = link.get_link(operator, ti_key=KEY).partition("?tab=")
    assert address == "http://studio:8080/projects/1/data"
    state = json.loads(zlib.decompress(base64.urlsafe_b64decode(tab + "=" * (-len(tab) % 4))))
    (only,) = state["filters"]["items"]
    assert only == {
        "filter": "filter:tasks:data.batch_id", "operator": "equal", "type": "String", "value": "2026-11-01/2026-11-02"
    }  # fmt: skip
