"""Keys whose effect is a value that something else is given: two settings lead to two outcomes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feedback_loop.dag_docs import parsed
from feedback_loop.defaults import dag_arguments, long_timeout
from feedback_loop.hooks.log_source_hook import LogSourceHook

from include.foundation.config.data_sections import Drift
from include.foundation.lines.fields import read_input
from include.foundation.lines.values import Problem
from include.foundation.store.tables import LoopStore
from include.stages.deployment.watching import watch_deployment
from include.stages.drift.earlier_verdicts import confirmation
from include.stages.drift.monitors.performance import performance_findings
from include.stages.gate.judging import judge
from include.stages.labeling.files_backend import FilesBackend
from include.stages.labels.label_validation import validate_labels
from include.stages.labels.seeds import admit_seed_labels
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.landing.staging import Staging
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from include.stages.logs.slices.unread_slices import window_of
from include.stages.selection.selecting import select_samples
from tests.builders import DAY, KEY, day, line, make_loop, make_store, write_lines
from tests.include.stages.deployment.test_watching import answer_live, go_live
from tests.include.stages.drift.drift_builders import judge_columns, labeled, numeric_days
from tests.include.stages.drift.monitors.test_performance import deployed
from tests.include.stages.evaluation.judged_builders import make_judged_store
from tests.include.stages.gate.verdict_builders import first_measured
from tests.include.stages.labels.label_builders import ANNOTATORS, collect, pushed_store, write_answers
from tests.include.stages.logs.log_builders import make_pull
from tests.include.stages.selection.selection_builders import (
    day_interval,
    make_selection_loop,
    make_selection_store,
    prediction_rows,
    requests_of,
)
from tests.include.stages.training.challenger_builders import alternating, make_label_store, make_text_loop
from tests.plugins.operators.operator_builders import write_loop_file


def test_name_of_the_loop_begins_what_is_its_own(tmp_path):
    loop = make_loop(tmp_path, name="other")
    assert dag_arguments(loop, "observe")["dag_id"] == "other.observe"
    assert LoopStore(loop, str(tmp_path / "store")).uri == str(tmp_path / "store" / "other")


def asking(folder: Path, monkeypatch: pytest.MonkeyPatch, **gate: Any) -> Any:
    """Return the task that asks for approval, of the DAGs of a loop file."""
    write_loop_file(folder / "loops", make_loop(folder, gate=gate), [])
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(folder / "loops"))
    return parsed()[0]["wire.retrain"].get_task("approve")


def test_approval_is_asked_of_whom_the_loop_file_names_for_as_long_as_it_says(tmp_path, monkeypatch):
    task = asking(tmp_path, monkeypatch, approval_hours=7, approvers=[{"id": "u1", "name": "Ada"}])
    assert (task.policy.approval, task.policy.approval_hours) == ("required", 7)
    assert task.response_timeout == timedelta(hours=7)
    assert task.assigned_users == [{"id": "u1", "name": "Ada"}]


def test_approval_is_not_asked_for_where_the_loop_file_gives_it(tmp_path, monkeypatch):
    assert asking(tmp_path, monkeypatch, approval="auto").policy.approval == "auto"


@pytest.mark.parametrize(("key", "argument"), [("owner", "default_args"), ("description", "description")])
def test_words_of_the_loop_file_are_those_of_its_dags(tmp_path, key, argument):
    assert f"these {key}" in str(dag_arguments(make_loop(tmp_path, **{key: f"these {key}"}), "observe")[argument])


def test_tasks_are_stopped_after_the_time_of_the_loop_file(tmp_path):
    loop = make_loop(tmp_path, tasks={"timeout_minutes": 7, "long_timeout_minutes": 9})
    assert dag_arguments(loop, "observe")["default_args"]["execution_timeout"] == timedelta(minutes=7)
    assert long_timeout(loop) == timedelta(minutes=9)


@pytest.mark.parametrize(
    ("item", "value", "problems"),
    [
        pytest.param({"type": "numeric"}, "a word", 1, id="type"),
        pytest.param({"type": "text", "required": False}, None, 0, id="required"),
        pytest.param({"type": "numeric", "minimum": 3.0}, -2.0, 1, id="minimum"),
        pytest.param({"type": "numeric", "maximum": 3.0}, 9.0, 1, id="maximum"),
        pytest.param({"type": "vector", "size": 2}, [1.0], 1, id="size"),
    ],
)
def test_input_is_what_the_loop_file_says_of_it(tmp_path, item, value, problems):
    found: list[Problem] = []
    read_input("x", make_loop(tmp_path, inputs={"x": item}).inputs["x"], value, found)
    assert len(found) == problems


@pytest.mark.parametrize("section", ["logs", "feedback"])
def test_source_is_opened_through_the_connection_of_the_loop_file(tmp_path, section):
    loop = make_loop(tmp_path, **{section: {"uri": "s3://bucket/a", "connection": "theirs"}})
    assert LogSourceHook(getattr(loop, section), {}).log_source_conn_id == "theirs"


def with_feedback(folder: Path, *moments: datetime, **feedback: Any) -> LoopStore:
    """Return a store whose loop has one person's signals of these moments in its feedback, none of which says consent."""
    (folder / "feedback").mkdir()
    same = {"trace_id": "t", "kind": "explicit", "signal": "report", "user_id": "u"}
    lines = [{**same, "feedback_id": str(n), "ts": moment.isoformat()} for n, moment in enumerate(moments)]
    (folder / "feedback" / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return make_store(folder, feedback={"uri": str(folder / "feedback"), **feedback})


def test_feedback_without_consent_is_left_out_where_the_loop_file_requires_it(tmp_path):
    report = pull_feedback(with_feedback(tmp_path, DAY, consent="required"), day(), KEY)
    assert (report.rows, report.without_consent) == (0, 1)


def test_burst_is_what_the_loop_file_calls_one(tmp_path):
    moments = (DAY + timedelta(hours=1), DAY + timedelta(hours=3))
    store = with_feedback(tmp_path, *moments, burst_signals=2, burst_minutes=180)
    assert pull_feedback(store, day(), KEY).held_back == 2


def test_requests_and_answers_lie_where_the_loop_file_says(tmp_path):
    backend = FilesBackend(make_loop(tmp_path, labeling={"uri": str(tmp_path / "place")}))
    assert (backend.request_folder, backend.answer_folder) == (tmp_path / "place/requests", tmp_path / "place/answers")


def test_late_rows_are_looked_for_as_far_back_as_the_loop_file_says(tmp_path):
    pull = make_pull(make_store(tmp_path, logs={"look_back_hours": 50}))
    assert window_of(pull).start == pull.window.start == day().start - timedelta(hours=50)


def test_refused_share_that_stops_the_loop_is_that_of_the_loop_file(tmp_path):
    store = make_store(tmp_path, logs={"max_refused_share": 0.5})
    write_lines(tmp_path, [*[line(n) for n in range(3)], "half a line"])
    pull_logs(store, day(), KEY)
    assert validate_logs(store, day()).refused == 1


@pytest.mark.parametrize(
    ("policy", "since"),
    [({"confirm": "1 of 1"}, None), ({"cooldown_days": 0}, timedelta(0))],
    ids=["confirm", "cool-down"],
)
def test_drift_is_an_alarm_when_the_loop_file_says(policy, since):
    assert confirmation(Drift(**policy), [since is not None, True], since)[0] == "alarm"


def test_confidence_that_a_label_needs_is_that_of_the_loop_file(tmp_path):
    labels = {"consensus": "majority", "min_confidence": 0.6, "min_agreement": -1.0}
    store, requests = pushed_store(tmp_path, labels=labels)
    for name in ANNOTATORS:
        said = dict.fromkeys(requests.values(), "acq" if name == "cat" else "earn")
        write_answers(tmp_path, name, said)
    collect(store)
    report = validate_labels(store)
    assert (report.accepted, report.set_aside) == (12, 0)


def test_first_model_must_be_above_the_floor_of_the_loop_file(tmp_path):
    assert judge(make_judged_store(tmp_path, floor=0.7), first_measured(0.6)).outcome == "reject"


def test_pull_keeps_to_the_memory_that_the_loop_file_gives(tmp_path):
    limits = []
    for memory in (512, 4096):
        folder = tmp_path / str(memory)
        folder.mkdir()
        with Staging(make_pull(make_store(folder, logs={"memory_mb": memory})), folder, lambda _: 0) as staging:
            limits.append(staging.connection.execute("SELECT current_setting('memory_limit')").fetchone())
    assert limits[0] != limits[1]


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"score": "entropy"}, lambda row: row["reasons"][0].split(" score")[0]),
        ({"diversify": "none"}, lambda row: row["stratum"] == "certainty" and row["trace_id"]),
        ({"seed": 5}, lambda row: row["stratum"] == "random" and row["trace_id"]),
    ],
    ids=["score", "diversify", "seed"],
)
def test_rows_are_chosen_as_the_loop_file_says(tmp_path, change, differs):
    """Forty rows, of which every second one says nearly the same as the one before it."""
    rows = prediction_rows(40)
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        second["input_text"] = f"{first['input_text']} again"
    chosen = []
    for number, policy in enumerate([{}, change]):
        loop = make_selection_loop(selection={"budget": 10, "random_share": 0.4, **policy})
        store = make_selection_store(tmp_path / str(number), rows, loop=loop)
        select_samples(store, day_interval())
        chosen.append({differs(row) for row in requests_of(store)})
    assert chosen[0] != chosen[1]


@pytest.mark.parametrize(("share", "split"), [(0.0, "train"), (1.0, "holdout")])
def test_share_of_seed_labels_is_kept_for_judging(tmp_path, share, split):
    write_lines(tmp_path, [{"input": {"text": f"text {n}"}, "label": "earn"} for n in range(5)])
    store = make_store(tmp_path, training={"seed_labels": str(tmp_path / "logs"), "seed_holdout_share": share})
    admit_seed_labels(store)
    assert store.read("labels").column("split").to_pylist() == [split] * 5


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
    rows = [labeled(correct=n % 2 == 0) for n in range(80)]
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
