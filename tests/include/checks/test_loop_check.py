"""``make check`` says everything it knows, fails while something is wrong, and asks Airflow itself."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from include.__main__ import main
from include.checks import loop_check as command
from tests.conftest import ROOT
from tests.include.foundation.config.loop_texts import VALID, changed, write

GOOD = changed(notify=None, drift={"reference": "rolling", "reference_dates": None})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def airflow(monkeypatch):
    """Findings that Airflow is made to answer with."""
    answer: list[tuple[str, bool, str]] = []

    process = SimpleNamespace(communicate=lambda: (f"logged\n{json.dumps(answer)}\n", ""), returncode=0)
    monkeypatch.setattr(command, "_ask_airflow", lambda: process)
    return answer


def checked(capsys):
    status = main(["check"])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_valid_loop_is_told_with_notes_and_when_airflow_shows_it(folder, airflow, capsys):
    write(folder, GOOD)
    airflow.append(("wire", False, "observe runs for what ends 2026-11-26 00:00 UTC"))
    status, out, err = checked(capsys)
    assert (status, err) == (0, "")
    assert "wire: valid, digest " in out
    assert "  nobody is told of failure, rollback" in out
    assert "  observe runs for what ends" in out
    assert "within half a minute" in out


def test_every_problem_is_printed_however_many_there_are(folder, airflow, capsys):
    write(folder, changed(segments=[], gate={"slices": [f"s{n}" for n in range(30)]}))
    write(folder, GOOD.replace("wire", "other"), "other")
    write(folder, "name: [", "broken")
    (folder / "more.yml").write_text(VALID)
    airflow += [("other", True, "notify.0: no"), ("", True, "dags/observe.py cannot be imported")]
    status, out, err = checked(capsys)
    assert status == 1
    assert err.count("is not one of segments") == 31  # and that of drift
    for said in (
        "broken.yaml is not YAML",
        "more.yml is not read",
        "other.yaml: notify.0: no",
        "dags/observe.py cannot",
    ):
        assert said in err
    assert "other: NOT VALID" in out


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"training": {"factory": "include.factories:nothing", "params": None}},
            "training, rehearsed on invented rows, fails:",
        ),
        ({"training": {"params": {"C": 1}}}, "does not take"),
        (
            {"labels": {"rules": [{"name": "r", "input": "text", "when": "(a+)+$", "deny": ["earn"]}]}},
            "takes too long on some",
        ),
        ({"labeling": {"backend": "label_studio", "config": "no.xml"}}, "labeling.config: "),
    ],
)
def test_what_a_task_would_meet_later_is_a_problem_now(folder, airflow, capsys, sections, said):
    write(folder, changed(**{"notify": None, **sections}))
    status, _, err = checked(capsys)
    assert status == 1
    assert f"wire.yaml: {said}" in err or said in err


def test_no_loop_file_is_said(folder, airflow, capsys):
    status, out, _ = checked(capsys)
    assert status == 0
    assert "There is no loop file in" in out


def test_airflow_that_cannot_be_asked_is_a_problem(folder, monkeypatch, capsys):
    write(folder, GOOD)
    monkeypatch.setattr(command, "IN_AIRFLOW", (sys.executable, "-c", "raise SystemExit('no such database')"))
    status, _, err = checked(capsys)
    assert status == 1
    assert "Airflow cannot be asked" in err
    assert "no such database" in err


def test_files_of_the_repository_are_valid_and_airflow_agrees():
    done = subprocess.run(
        [sys.executable, "-m", "include", "check"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("observe runs for what ends") == 2


def test_seed_labels_that_straddle_splits_are_a_note(folder, airflow, capsys, tmp_path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    text = "the council of the town met on monday evening and talked about the new bridge over the river for hours"
    same = {"price": 1, "pixels": [0, 1, 2, 3]}
    lines = [{"input": {"text": f"{text} {n}", **same}, "label": "earn"} for n in range(20)]
    (seeds / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    training = {"factory": "include.factories:text_classifier", "seed_labels": str(seeds), "seed_holdout_share": 0.5}
    write(folder, changed(notify=None, drift={"reference": "rolling", "reference_dates": None}, training=training))
    _, out, _ = checked(capsys)
    assert "  training.seed_labels: " in out
    assert "held-out rows are nearly equal to rows to train on" in out
