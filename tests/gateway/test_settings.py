import resource
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.__main__ import FILES, allow_files, main
from gateway.settings import Settings
from tests.conftest import ROOT

GIVEN: dict[str, Any] = {"store": "data/store", "mlflow": "sqlite:///mlflow.db"}


def test_loops_are_given_with_commas(monkeypatch):
    monkeypatch.setenv("GATEWAY_LOOPS", "wire, mail,wire")
    assert Settings(**GIVEN).loops == ["mail", "wire"]


@pytest.mark.parametrize(
    "wrong", [{"loops": ""}, {"loops": "wire", "port": 70_000}, {"loops": "wire", "sync": "often"}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**GIVEN | wrong)


@pytest.mark.parametrize(
    ("host", "is_local"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("gate", False)]
)
def test_address_that_others_can_reach_is_told(host, is_local):
    assert Settings(**GIVEN, loops="wire", host=host).is_local is is_local


def test_command_says_what_is_wrong_and_ends(capsys, tmp_path, monkeypatch):
    assert main(["--loops=no-such-loop", "--store=s", "--mlflow=sqlite:///m.db"]) == 1
    assert "no-such-loop" in capsys.readouterr().err
    assert main(["--loops=newswire", "--store=s", "--mlflow=m", "--port=x"]) == 1
    assert "port" in capsys.readouterr().err
    text = (ROOT / "include" / "loops" / "digits.yaml").read_text().replace("format: jsonl", "format: parquet")
    (tmp_path / "digits.yaml").write_text(text)
    monkeypatch.setenv("FEEDBACK_LOOP_LOOPS_DIR", str(tmp_path))
    assert main(["--loops=digits", "--store=s", "--mlflow=m"]) == 1
    assert "expected jsonl" in capsys.readouterr().err


def test_gateway_that_others_can_reach_needs_keys_and_replays_nothing(capsys, tmp_path):
    given = ["--loops=newswire", f"--store={tmp_path}", "--mlflow=m", "--host=0.0.0.0"]
    assert main(given) == 1
    assert "keys" in capsys.readouterr().err
    assert main([*given, "--replay", f"--keys={tmp_path}/keys.json"]) == 1
    assert "replay" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        (1024, 4096, 4096),
        (1024, 10**6, FILES),
        (1024, resource.RLIM_INFINITY, FILES),
        (20_000, 30_000, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_as_many_files_as_connections_take_may_be_open_if_the_system_lets_them(monkeypatch, soft, hard, then):
    allowed = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: allowed.append(limits))
    allow_files()
    assert allowed == ([] if then is None else [(then, hard)])


def test_page_names_every_setting():
    page = (ROOT / "docs" / "gateway.md").read_text()
    assert [name for name in Settings.model_fields if f"`{name}`" not in page] == []
