"""A pull is planned for what the form says, the run's interval, or the last complete one."""

import os
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.types import DagRunProtocol
from feedback_loop.operators.plan_pull import PlanPullOperator

from tests.builders import day, line, write_lines
from tests.plugins.operators.operator_builders import context, with_store


def plan(store, inputs):
    return with_store(PlanPullOperator(task_id="t", loop="wire"), store).execute(inputs)


def test_run_with_a_data_interval_plans_it_and_pushes_its_key(store):
    inputs = context()
    partitions = plan(store, inputs)
    inputs["ti"].xcom_push.assert_called_once_with("interval", day().key)
    assert len(partitions) == 1
    assert partitions == plan(store, context())


def test_form_takes_precedence_over_the_interval(store):
    inputs = context(start="2026-03-01T00:00:00Z", end="2026-03-02T00:00:00Z")
    plan(store, inputs)
    assert inputs["ti"].xcom_push.call_args.args[1].startswith("2026-03-01")


def test_run_by_hand_without_dates_plans_the_last_complete_interval(store):
    inputs = context()
    inputs["dag_run"] = Mock(
        spec=DagRunProtocol,
        data_interval_start=None,
        data_interval_end=None,
        run_after=datetime(2026, 3, 11, 15, 30, tzinfo=UTC),
    )
    plan(store, inputs)
    inputs["ti"].xcom_push.assert_called_once_with("interval", day().key)


def test_what_is_not_read_is_told(store, tmp_path, capsys):
    for name, moment in (("50%d.jsonl", 0), ("app.jsonl.1", None)):
        path = write_lines(tmp_path, [line(1)], name)
        if moment is not None:
            os.utime(path, (moment, moment))
    plan(store, context())
    told = capsys.readouterr().out
    assert "the oldest is 50%d.jsonl, last written at 1970-01-01T00:00:00+0000" in told
    assert "1. app.jsonl.1 does not end in .jsonl" in told


def test_half_a_form_fails_without_retry(store):
    with pytest.raises(AirflowFailException, match="expected ISO 8601"):
        plan(store, context(start="2026-03-01"))


def test_form_that_is_filled_in_wrongly_fails_without_retry(store):
    with pytest.raises(AirflowFailException, match="budget"):
        plan(store, context(budget=-1))


def test_parameters_that_are_not_of_the_form_are_left_alone(store):
    assert plan(store, context(ticket="OPS-1"))
