"""A suite may be edited; what is wrong with it is said all at once, and edits are not lost."""

import json

import pytest

from include.__main__ import main
from include.foundation.errors import ConfigError
from include.foundation.quality.suites import (
    FOLDER_VARIABLE,
    generated_suite,
    logs_suite,
    suite_path,
    suite_problems,
    write_suite,
)
from tests.builders import make_loop

INPUTS = {"amount": {"type": "numeric", "minimum": 0}, "note": {"type": "text", "required": False}}


@pytest.fixture
def loop(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "expectations"))
    return make_loop(tmp_path, inputs=INPUTS)


def expectation(kind, **kwargs):
    return {"type": kind, "kwargs": kwargs}


def test_without_a_file_the_loop_file_says_what_is_expected(loop):
    wanted = logs_suite(loop)["expectations"]
    assert expectation("expect_table_row_count_to_be_between", min_value=1) in wanted
    assert expectation("expect_column_values_to_be_between", column="confidence", min_value=0, max_value=1) in wanted
    assert expectation("expect_column_values_to_not_be_null", column="input_amount") in wanted
    assert expectation("expect_column_values_to_be_between", column="input_amount", min_value=0) in wanted
    assert expectation("expect_column_values_to_be_in_set", column="predicted", value_set=loop.task.classes) in wanted
    assert not [item for item in wanted if item["kwargs"].get("column") == "input_note"]


def test_generated_suite_has_no_problems(loop):
    assert suite_problems(loop, generated_suite(loop)) == []


def test_written_suite_is_used_with_its_edits(loop):
    path = write_suite(loop)
    suite = json.loads(path.read_text())
    assert suite == generated_suite(loop)
    suite["expectations"][0] |= {"severity": "warning", "meta": {"notes": "why"}}
    path.write_text(json.dumps(suite))
    assert logs_suite(loop)["expectations"][0]["severity"] == "warning"


def test_edits_are_overwritten_only_when_told_so(loop):
    path = write_suite(loop)
    path.write_text("edited")
    with pytest.raises(ConfigError, match="may have been edited"):
        write_suite(loop)
    assert path.read_text() == "edited"
    write_suite(loop, overwrite=True)
    assert json.loads(path.read_text()) == generated_suite(loop)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("text", "expected an object with type and kwargs"),
        (
            expectation("expect_column_values_to_be_uniqe", column="ts"),
            "did you mean 'expect_column_values_to_be_unique'",
        ),
        (
            expectation("expect_column_values_to_be_unique", column="trace"),
            "no column 'trace', did you mean 'trace_id'",
        ),
        (expectation("expect_column_values_to_be_unique"), "column: field required"),
        (expectation("expect_column_values_to_be_unique", column="ts", mosty=1), "did you mean 'mostly'"),
        (expectation("expect_column_values_to_be_unique", column="ts", mostly=3), "mostly: ensure this value is less"),
        (
            expectation("expect_column_values_to_be_unique", column="ts") | {"sevrity": "info"},
            "did you mean 'severity'",
        ),
        (expectation("expect_column_values_to_be_unique", column="ts") | {"severity": "bad"}, "Invalid severity 'bad'"),
        (expectation("expect_compound_columns_to_be_unique", column_list=["ts", "dya"]), "did you mean 'day'"),
    ],
)
def test_every_kind_of_mistake_is_named(loop, item, said):
    problems = suite_problems(loop, {"expectations": [item]})
    assert len(problems) == 1
    assert problems[0].startswith("expectations[0]: ")
    assert said in problems[0]


def test_all_mistakes_are_said_at_once(loop):
    wrong = [expectation("expect_nothing"), expectation("expect_column_values_to_be_unique", column="nope", mostly=3)]
    path = write_suite(loop)
    path.write_text(json.dumps({"expectations": wrong}))
    with pytest.raises(ConfigError) as caught:
        logs_suite(loop)
    assert len(caught.value.problems) == 3
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["{", '{"expectations": []}', "[]", '{"expectations": {}}', '"\udcff"'])
def test_file_that_is_no_suite_is_refused(loop, text):
    path = write_suite(loop)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=r"wire\.json"):
        logs_suite(loop)


def test_command_writes_then_checks_and_does_not_overwrite(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert main(["suite", "newswire"]) == 0
    path = tmp_path / "newswire.json"
    assert "written" in capsys.readouterr().out
    path.write_text(path.read_text().replace("trace_id", "tracer_id"))
    assert main(["suite", "newswire"]) == 1
    assert "did you mean 'trace_id'" in capsys.readouterr().err
    assert main(["suite", "newswire", "--overwrite"]) == 0
    assert main(["suite", "newswire"]) == 0
    assert "valid, 9 expectations" in capsys.readouterr().out
    assert main(["suite", "nowire"]) == 1


def test_suites_are_beside_the_loop_files(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert suite_path(make_loop(tmp_path)).parts[-3:] == ("include", "expectations", "wire.json")


def test_only_numbers_that_have_bounds_are_expected_between_them(tmp_path):
    inputs = {
        "free": {"type": "numeric", "required": False},
        "low": {"type": "numeric", "required": False, "minimum": -1},
        "high": {"type": "numeric", "required": False, "maximum": 1},
        "pixels": {"type": "vector", "size": 2, "required": False, "minimum": 0, "maximum": 16},
    }
    suite = generated_suite(make_loop(tmp_path, inputs=inputs))
    of_inputs = [item for item in suite["expectations"] if item["kwargs"].get("column", "").startswith("input_")]
    assert of_inputs == [
        expectation("expect_column_values_to_be_between", column="input_low", min_value=-1),
        expectation("expect_column_values_to_be_between", column="input_high", max_value=1),
    ]


def test_suite_without_a_name_has_that_of_the_loop(loop):
    path = write_suite(loop)
    for named, name in (({"name": "mine"}, "mine"), ({}, "wire logs")):
        path.write_text(json.dumps({"expectations": generated_suite(loop)["expectations"]} | named))
        assert logs_suite(loop)["name"] == name
