"""A batch that is not good enough stops the loop with reasons; nothing logged is nothing to do."""

import json
from pathlib import Path

import pytest

from include.errors import ConfigError, DataQualityError, NothingToDo
from include.logs import validation
from include.logs.data_docs import MOST_RUNS, publish_index, result_page
from include.logs.expectations import run_suite
from include.logs.pulling import pull_logs
from include.logs.suites import FOLDER, suite_of, write_suite
from include.logs.validation import validate_logs
from tests.builders import KEY, day, line, make_store, write_lines


def pulled(tmp_path, lines, **overrides):
    store = make_store(tmp_path, **overrides)
    write_lines(tmp_path, lines)
    pull_logs(store, day(), KEY)
    return store


def test_validation_of_good_rows_keeps_its_result(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(5)])
    report = validate_logs(store, day())
    assert (report.rows, report.refused) == (5, 0)
    page = Path(report.result_uri)
    assert "met every expectation" in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["success"] is True


def test_validation_of_an_interval_without_rows_is_nothing_to_do(tmp_path):
    with pytest.raises(NothingToDo, match="is traffic logged to"):
        validate_logs(make_store(tmp_path), day())


def test_validation_with_too_many_refused_lines_shows_ten_and_counts_the_rest(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(20)] + [f"broken {n}" for n in range(15)])
    with pytest.raises(DataQualityError) as caught:
        validate_logs(store, day())
    text = str(caught.value)
    assert "15 of 35 log lines were refused (42.9%)" in text
    assert text.count("not_json") == 10
    assert "and 5 more" in text


def test_validation_within_the_allowed_share_passes(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(20)] + ["broken"])
    assert validate_logs(store, day()).refused == 1


def test_suite_says_what_was_missed_and_escapes_it():
    import pandas as pd

    frame = pd.DataFrame({"label": ["a", "<script>alert(1)</script>"]})
    result = run_suite("t", [("ExpectColumnValuesToBeInSet", {"column": "label", "value_set": ["a"]})], frame)
    assert not result.success
    assert "1 of 2 rows" in result.failures[0]
    page = result_page("<b>title</b>", result)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_suite_file_takes_the_place_of_the_loop_files_expectations(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "expectations"))
    store = pulled(tmp_path, [line(n) for n in range(5)])
    path = write_suite(store.loop)
    assert next(kind for kind, _ in suite_of(store.loop)) == "ExpectTableRowCountToBeBetween"
    suite = json.loads(path.read_text())
    suite["expectations"][0]["kwargs"] = {"min_value": 1000}
    path.write_text(json.dumps(suite))
    with pytest.raises(DataQualityError, match="table row count"):
        validate_logs(store, day())
    with pytest.raises(ConfigError, match="remove it"):
        write_suite(store.loop)


def test_wrong_suite_names_every_problem_and_the_nearest_type(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    loop = make_store(tmp_path).loop
    wrong = [
        {"type": "expect_column_values_to_be_nul", "kwargs": {}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"columns": "ts"}},
    ]
    (tmp_path / "wire.json").write_text(json.dumps({"expectations": wrong}))
    with pytest.raises(ConfigError) as caught:
        suite_of(loop)
    assert "did you mean 'expect_column_values_to_be_null'" in str(caught.value)
    assert "expectation 2" in str(caught.value)
    (tmp_path / "wire.json").write_text("{}")
    with pytest.raises(ConfigError, match='no "expectations"'):
        suite_of(loop)


def test_large_batch_is_judged_by_a_sample_that_is_the_same_on_every_run(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "MOST_ROWS", 50)
    store = pulled(tmp_path, [line(n) for n in range(400)])
    first = validation._batch(store, day(), 400)
    assert 20 < len(first) < 100
    assert first.equals(validation._batch(store, day(), 400))
    report = validate_logs(store, day())
    assert report.rows == 400
    assert "About 50 of 400 rows" in Path(report.result_uri).read_text()


def test_index_lists_the_newest_runs_once_and_does_not_grow(tmp_path):
    store = make_store(tmp_path)
    for number in [*range(MOST_RUNS + 5), MOST_RUNS]:
        entry = {"page": f"logs-{number:03d}.html", "interval": "<b>", "rows": 1, "met": True, "missed": 0}
        uri = publish_index(store, "wire", entry)
    page = Path(uri).read_text()
    assert page.count("<tr class") == MOST_RUNS
    assert page.count("logs-060.html") == 1
    assert "logs-000.html" not in page
    assert "<b>" not in page
