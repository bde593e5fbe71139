"""Tasks link to their challenger's MLflow run where MLflow has a server that a browser can reach."""

import json
from unittest.mock import Mock

import pytest
from airflow.sdk.execution_time.xcom import XCom
from airflow.sdk.types import TaskInstanceKey
from feedback_loop.operators.evaluate import EvaluateOperator
from feedback_loop.operators.register_model import RegisterModelOperator
from feedback_loop.operators.retrain import RetrainOperator

CHALLENGER = {"challenger_key": "c1", "run_id": "4f00", "model_digest": "d", "already_there": False}
RUN = "https://ml.example/#/runs/4f00"
KEY = Mock(spec=TaskInstanceKey)


@pytest.fixture
def returned(monkeypatch):
    """Say what the task returned."""
    look_up = Mock(spec=XCom.get_value, return_value=None)
    monkeypatch.setattr(XCom, "get_value", look_up)
    return look_up


@pytest.fixture
def tracked_at(monkeypatch):
    def set_connection(**extra):
        monkeypatch.setenv("AIRFLOW_CONN_MLFLOW", json.dumps({"conn_type": "generic", "extra": extra}))

    set_connection(tracking_uri="https://ann:hushhush@ml.example/")
    return set_connection


def retrain():
    return RetrainOperator(task_id="t", loop="wire", decision={})


def link_of(operator):
    (link,) = (link for link in operator.operator_extra_links if link.name == "MLflow run")
    return link.get_link(operator, ti_key=KEY)


@pytest.mark.usefixtures("tracked_at")
def test_retrain_links_to_the_run_that_it_made(returned):
    returned.return_value = CHALLENGER
    assert link_of(retrain()) == RUN
    returned.assert_called_once_with(ti_key=KEY, key="return_value")


@pytest.mark.usefixtures("tracked_at")
@pytest.mark.parametrize("kind", [EvaluateOperator, RegisterModelOperator])
def test_later_tasks_link_to_the_run_that_they_were_given(returned, kind):
    assert link_of(kind(task_id="t", loop="wire", decision={}, challenger=CHALLENGER)) == RUN


@pytest.mark.usefixtures("tracked_at", "returned")
@pytest.mark.parametrize(
    "challenger", [None, "{{ ti.xcom_pull(task_ids='retrain') }}", {}], ids=["none", "raw", "empty"]
)
def test_task_that_had_no_run_has_no_link(challenger):
    assert link_of(EvaluateOperator(task_id="t", loop="wire", decision={}, challenger=challenger)) == ""


def test_mlflow_without_a_server_has_no_link(returned, tracked_at):
    returned.return_value = CHALLENGER
    tracked_at(tracking_uri="sqlite:////tmp/mlflow.db")
    assert link_of(retrain()) == ""


def test_address_for_browsers_takes_precedence(returned, tracked_at):
    returned.return_value = CHALLENGER
    tracked_at(tracking_uri="http://mlflow:5000", ui_uri="http://127.0.0.1:5000")
    assert link_of(retrain()) == "http://127.0.0.1:5000/#/runs/4f00"


def test_run_id_stays_within_the_address(returned, tracked_at):
    returned.return_value = {"run_id": "x/../?y#z"}
    assert link_of(retrain()) == "https://ml.example/#/runs/x%2F..%2F%3Fy%23z"
