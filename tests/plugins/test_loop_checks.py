"""What Airflow says of loop files: DAGs, next runs, notifiers and sources."""

import json

import pytest
from feedback_loop import loop_checks
from feedback_loop.dag_docs import parsed
from feedback_loop.loop_checks import all_findings, main

from include.foundation.config.loading import valid_loops
from include.foundation.store.ledgers.taxonomies import note_taxonomy
from include.foundation.store.rows import rows_of
from tests.builders import DAY, line, make_loop, make_store, write_lines
from tests.include.foundation.store.lived_in import label
from tests.plugins.operators.operator_builders import write_loop_file


@pytest.fixture
def loop_file(monkeypatch, tmp_path):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path / "loops"))
    return lambda notify=(), **sections: write_loop_file(
        tmp_path / "loops", make_loop(tmp_path, **sections), list(notify)
    )


def found(is_problem):
    return [sentence for _, problem, sentence in all_findings(valid_loops()) if problem == is_problem]


def test_loop_that_works_is_told_its_next_runs(loop_file, tmp_path):
    loop_file(logs={"schedule": "0 6 * * 1"})
    write_lines(tmp_path, [line(n) for n in range(3)])
    assert found(True) == []
    [said] = [sentence for sentence in found(False) if sentence.startswith("observe")]
    assert said.count(" 06:00") == 2


def test_schedule_is_asked_of_airflows_own_timetable(loop_file, monkeypatch):
    loop_file()
    dags, _ = parsed()
    dag = dags["wire.observe"]
    for wrong in ("0 25 * * *", "every day", "@once", "0 0 31 2 *"):
        dag.timetable.expression = wrong
        assert "which Airflow does not take" in loop_checks._next_runs(dag).sentence
        assert loop_checks._next_runs(dag).is_problem


def test_notifier_and_dag_that_do_not_work_are_problems(loop_file, monkeypatch):
    loop_file(notify=[{"events": ["failure"], "notifier": "nowhere.Notifier"}])
    monkeypatch.setattr(loop_checks, "parsed", lambda: ({}, {"/dags/guard.py": "Traceback\nImportError: nothing"}))
    problems = found(True)
    assert "/dags/guard.py cannot be imported: ImportError: nothing" in problems
    assert "Airflow makes no DAG wire.observe" in problems
    assert any("notify.0: notifier nowhere.Notifier cannot be imported" in problem for problem in problems)


def test_source_that_does_not_fit_is_a_problem_and_a_connection_that_is_not_here_a_note(loop_file, tmp_path):
    query = "SELECT 1 AS feedback_id WHERE :start < :end"
    loop_file(feedback={"format": "sql", "connection": "warehouse", "query": query})
    write_lines(tmp_path, [{"id": "t1"}])
    assert any("no record of log.jsonl has trace_id" in problem for problem in found(True))
    assert any("feedback.connection: warehouse is not known here" in note for note in found(False))


def test_classes_that_stored_rows_still_use_are_problems_where_the_store_is_here(loop_file, tmp_path, monkeypatch):
    note_taxonomy(make_store(tmp_path), DAY)
    loop_file(task={"classes": ["earn", "acq"]})
    assert not any("grain" in problem for problem in found(True))
    connection = {"conn_type": "generic", "extra": {"uri": str(tmp_path / "store")}}
    monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", json.dumps(connection))
    [problem] = [problem for problem in found(True) if "grain" in problem]
    assert problem.startswith(
        "task.classes: 'grain' is in 1 taxonomies of logged probabilities and not in task.classes"
    )
    loop_file(task={"classes": ["earn", "acq"], "retired": ["grain"]})
    assert not any("grain" in problem for problem in found(True))
    monkeypatch.setattr("include.foundation.store.tables.LoopStore.read", lambda *_, **__: 1 / 0)
    assert "the store could not be looked at: division by zero" in found(False)


def test_vector_whose_size_changed_is_a_problem_where_the_store_is_here(loop_file, tmp_path, monkeypatch):
    inputs = {"pixels": {"type": "vector", "size": 2}}
    store = make_store(tmp_path, inputs=inputs)
    store.append_new("labels", rows_of(store.loop, "labels", [label(1) | {"input_pixels": [0.0, 1.0]}]))
    connection = {"conn_type": "generic", "extra": {"uri": str(tmp_path / "store")}}
    monkeypatch.setenv("AIRFLOW_CONN_FEEDBACK_STORE", json.dumps(connection))
    loop_file(inputs=inputs)
    assert not any("inputs.pixels.size" in problem for problem in found(True))
    loop_file(inputs={"pixels": {"type": "vector", "size": 3}})
    assert any("inputs.pixels.size: got 3" in problem for problem in found(True))


def test_last_line_of_standard_output_is_json(loop_file, capsys):
    loop_file()
    assert main() == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])
