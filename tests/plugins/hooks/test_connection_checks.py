"""One command tries all that a loop connects to, and its exit status says whether all of it works."""

import pytest
from feedback_loop.hooks.connection_checks import main

from tests.builders import KEY


@pytest.fixture
def connections(define, loop_file, tmp_path):
    loop_file(feedback={"uri": str(tmp_path / "feedback")})
    for name in ("logs", "feedback"):
        (tmp_path / name).mkdir()
    define("feedback_store", conn_type="generic", password=KEY.decode(), extra={"uri": str(tmp_path / "store")})
    define("mlflow", conn_type="generic", extra={"tracking_uri": f"sqlite:///{tmp_path}/m.db"})
    return tmp_path


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("arguments", [[], ["wire"]], ids=["all", "one"])
def test_all_that_works_is_told(capsys, arguments):
    assert main(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == [
        f"works  wire  {name}" for name in ("store", "model registry", "labeling", "logs", "feedback")
    ]


def test_what_fails_is_told_and_the_rest_is_tried_nevertheless(connections, capsys, monkeypatch):
    (connections / "logs").rmdir()
    monkeypatch.delenv("AIRFLOW_CONN_FEEDBACK_STORE")
    assert main([]) == 1
    told = capsys.readouterr().out
    assert "FAILS  wire  store" in told
    assert "FAILS  wire  logs" in told
    assert told.count("works") == 3


def test_loop_that_is_not_there_is_named(loop_file, capsys):
    assert main(["wired"]) == 1
    assert "did you mean 'wire'" in capsys.readouterr().err


def test_loop_without_feedback_has_none_to_try(connections, loop_file, capsys):
    loop_file()
    assert main([]) == 0
    assert "feedback:" not in capsys.readouterr().out
