"""Keys whose effect is a value that something else is given: two settings lead to two outcomes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feedback_loop.defaults import dag_arguments, long_timeout

from include.foundation.lines.fields import read_input
from include.foundation.lines.values import Problem
from include.stages.deployment.watching import watch_deployment
from include.stages.drift.comparing.column_findings import judge_columns
from include.stages.drift.monitors.performance import performance_findings
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_loop, make_store, write_lines
from tests.include.stages.deployment.test_watching import answer_live, go_live
from tests.include.stages.drift.drift_builders import labeled, numeric_days
from tests.include.stages.drift.monitors.test_performance import deployed
from tests.include.stages.training.challenger_builders import alternating, make_label_store, make_text_loop


@pytest.mark.parametrize(("key", "argument"), [("owner", "default_args"), ("description", "description")])
def test_words_of_the_loop_file_are_those_of_its_dags(tmp_path, key, argument):
    assert f"these {key}" in str(dag_arguments(make_loop(tmp_path, **{key: f"these {key}"}), "observe")[argument])


def test_tasks_are_stopped_after_the_time_of_the_loop_file(tmp_path):
    loop = make_loop(tmp_path, tasks={"timeout_minutes": 7, "long_timeout_minutes": 9})
    assert dag_arguments(loop, "observe")["default_args"]["execution_timeout"] == timedelta(minutes=7)
    assert long_timeout(loop) == timedelta(minutes=9)


@pytest.mark.parametrize(("bound", "outside"), [("minimum", -2.0), ("maximum", 9.0)])
def test_number_outside_its_bounds_is_refused(tmp_path, bound, outside):
    loop = make_loop(tmp_path, inputs={"price": {"type": "numeric", bound: 3.0}})
    problems: list[Problem] = []
    read_input("price", loop.inputs["price"], outside, problems)
    assert len(problems) == 1


def test_time_ahead_of_its_file_is_taken_within_the_skew_only(tmp_path):
    ahead = datetime.now(UTC) + timedelta(seconds=1000)
    for number, (skew, rows) in enumerate([(0, 0), (3000, 1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        store = make_store(folder, logs={"clock_skew_seconds": skew, "look_back_hours": 0})
        write_lines(folder, [line(1, when=ahead)])
        assert pull_logs(store, _around(ahead), KEY).rows == rows


def _around(moment: datetime) -> Any:
    from include.foundation.intervals import Interval

    return Interval(moment - timedelta(days=1), moment + timedelta(days=1))


def test_weekdays_that_differ_are_told_apart_only_where_the_loop_file_says_so(tmp_path: Path) -> None:
    weekly = (0, 0, 0, 0, 0, 3, 3)
    generator = np.random.default_rng(3)
    reference = {("", "x"): numeric_days(generator, 56, 400, effect=0.05, weekly=weekly)}
    window = {("", "x"): numeric_days(generator, 1, 400, first=56, weekly=(3,) * 7)}  # a Monday like a Saturday
    flagged = [
        judge_columns(make_loop(tmp_path, drift={"seasonality": kind}).drift, window, reference)[0].flagged
        for kind in ("weekday", "none")
    ]
    assert flagged == [True, False]


def test_drop_of_accuracy_that_matters_is_that_of_the_loop_file(tmp_path):
    rows = [labeled(n, correct=n % 2 == 0) for n in range(80)]
    flagged = []
    for most in (0.02, 0.6):
        folder = tmp_path / str(most)
        folder.mkdir()
        store = deployed(folder)
        loop = make_loop(folder, drift={"max_accuracy_drop": most})
        flagged.append(performance_findings(type(store)(loop, str(folder / "store")), day(), rows)[0].flagged)
    assert flagged == [True, False]


def test_promise_is_held_within_the_drop_and_the_error_budget_of_the_loop_file(tmp_path):
    for drop, budget in ((0.02, 0.05), (0.3, 0.1)):
        folder = tmp_path / str(drop)
        folder.mkdir()
        store = make_label_store(folder, make_text_loop(deploy={"max_drop": drop}, gate={"error_budget": budget}))
        go_live(store, promised_low=0.8)
        answer_live(store, alternating(40, 0.9))
        decision = watch_deployment(store)
        assert (decision.floor, decision.needed) == (pytest.approx(0.8 - drop), pytest.approx(1 / budget))
