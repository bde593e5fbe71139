"""DAG files parse, import nothing heavy, and say what they are."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction

from include.foundation.config.loading import load_loops
from tests.conftest import ROOT

STAGES = ("observe", "label", "retrain", "guard")
HEAVY = ("pandas", "numpy", "pyarrow", "deltalake", "sklearn", "scipy", "mlflow", "matplotlib", "great_expectations")
DAG_IDS = [f"{loop.name}.{stage}" for loop in load_loops() for stage in STAGES]


@pytest.fixture(scope="module")
def dags():
    bag = DagBag(dag_folder=ROOT / "dags")
    assert bag.import_errors == {}
    return bag.dags


def test_dag_files_make_four_dags_for_every_loop_file(dags):
    assert sorted(dags) == sorted(DAG_IDS)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_dag_has_docs_owner_tags_and_one_run_at_a_time(dags, dag_id):
    dag = dags[dag_id]
    loop, stage = dag_id.split(".")
    assert {loop, stage} <= set(dag.tags)
    for heading in ("**When**", "**Reads**", "**Writes**", "**Emits**", "**When it fails**", "**Who is told**"):
        assert heading in dag.doc_md
    assert dag.max_active_runs == 1
    assert not dag.catchup
    assert {task.owner for task in dag.tasks} == {next(item.owner for item in load_loops() if item.name == loop)}


@pytest.mark.parametrize("changes", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_intervals_tile_the_days_on_which_clocks_change(dags, changes):
    """In a zone with summer time they have gaps or no length (https://github.com/apache/airflow/pull/70089)."""
    observed = [dag for dag_id, dag in dags.items() if dag_id.endswith(".observe")]
    for timetable in [coerce_to_core_timetable(dag.timetable) for dag in observed]:
        restriction = TimeRestriction(earliest=changes - timedelta(days=3), latest=None, catchup=True)
        found, last = [], None
        while not found or found[-1].end < changes + timedelta(days=3):
            info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
            last = info.data_interval
            found.append(last)
        assert len(found) >= 6
        assert len({(interval.end - interval.start).total_seconds() for interval in found}) == 1
        assert all(one.end == other.start for one, other in pairwise(found))


def test_dag_files_import_nothing_heavy():
    code = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; DagBag(dag_folder='dags');"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=_environment()
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_dag_file_with_one_broken_loop_file_keeps_the_other_loops_and_shows_the_problem(tmp_path):
    good = (ROOT / "include" / "loops" / "digits.yaml").read_text()
    (tmp_path / "digits.yaml").write_text(good)
    (tmp_path / "broken.yaml").write_text(
        good.replace("name: digits", "name: broken").replace("approval: auto", "aproval: auto")
    )
    ids, errors = parsed_in_a_fresh_process(tmp_path)
    assert ids == str(sorted(f"digits.{stage}" for stage in STAGES))
    assert "aproval" in errors
    assert "did you mean" in errors


def test_no_file_of_the_loops_folder_stops_another_loop(tmp_path):
    good = (ROOT / "include" / "loops" / "digits.yaml").read_text()
    (tmp_path / "digits.yaml").write_text(good)
    (tmp_path / ".#digits.yaml").symlink_to("ada@host.4711:1")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "deep.yaml").write_text("[" * 200_000)
    (tmp_path / "other.yml").write_text(good)
    for name, schedule in (("hour", "0 25 * * *"), ("words", "every day"), ("once", "@once"), ("never", "0 0 31 2 *")):
        text = good.replace("name: digits", f"name: {name}").replace('"@daily"', f'"{schedule}"')
        (tmp_path / f"{name}.yaml").write_text(text)
    ids, errors = parsed_in_a_fresh_process(tmp_path)
    assert ids == str(sorted(f"digits.{stage}" for stage in STAGES))
    for name in (
        "gone.yaml",
        "fifo.yaml",
        "deep.yaml",
        "other.yml",
        "hour.yaml",
        "words.yaml",
        "once.yaml",
        "never.yaml",
    ):
        assert name in errors


def test_notifier_that_does_not_work_shows_its_problem_and_every_loop_keeps_its_dags(tmp_path):
    text = (ROOT / "include" / "loops" / "digits.yaml").read_text()
    (tmp_path / "digits.yaml").write_text(f"{text}\nnotify: [{{events: [failure], notifier: nowhere.Notifier}}]\n")
    ids, errors = parsed_in_a_fresh_process(tmp_path)
    assert ids == str(sorted(f"digits.{stage}" for stage in STAGES))
    assert "digits.yaml: notify.0: notifier nowhere.Notifier cannot be imported" in errors


def test_trigger_form_has_bounds_and_help(dags):
    params = dags["newswire.observe"].params
    budget = params.get_param("budget")
    assert budget.schema["minimum"] == 0
    assert budget.schema["type"] == ["null", "integer"]
    assert "Labels to ask for" in budget.description
    assert params.get_param("start").schema["format"] == "date-time"


def parsed_in_a_fresh_process(loops):
    """Return the ids and the import errors that the DAG files give on a folder of loop files."""
    code = (
        "from airflow.dag_processing.dagbag import DagBag; bag = DagBag(dag_folder='dags');"
        "print(sorted(bag.dags)); print(list(bag.import_errors.values()))"
    )
    environment = {**_environment(), "FEEDBACK_LOOP_LOOPS_DIR": str(loops)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return done.stdout.strip().splitlines()[-2:]


def _environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}
