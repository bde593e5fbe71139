"""A batch that is not good enough stops the loop with reasons; nothing logged is nothing to do."""

import json
from pathlib import Path

import pytest

from include.errors import DataQualityError, NothingToDo
from include.logs.expectations import result_page, run_suite
from include.logs.pulling import pull_logs
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
