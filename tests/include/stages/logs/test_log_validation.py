"""A batch that is not good enough stops the loop with reasons; nothing logged is nothing to do."""

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.foundation.errors import ConfigError, DataQualityError, NothingToDo
from include.foundation.quality.suites import FOLDER_VARIABLE, generated_suite, suite_path
from include.stages.logs import log_validation as validation
from include.stages.logs.log_validation import validate_logs
from include.stages.logs.pulling import pull_logs
from tests.builders import KEY, day, line, make_store, write_lines


@pytest.fixture(autouse=True)
def _own_suites(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "expectations"))
    (tmp_path / "expectations").mkdir()


def pulled(tmp_path, lines, **overrides):
    store = make_store(tmp_path, **overrides)
    write_lines(tmp_path, lines)
    pull_logs(store, day(), KEY)
    return store


def edited(store, *expectations):
    suite = {"name": "edited", "expectations": [*generated_suite(store.loop)["expectations"], *expectations]}
    suite_path(store.loop).write_text(json.dumps(suite))


def test_validation_of_good_rows_keeps_its_result(tmp_path):
    report = validate_logs(pulled(tmp_path, [line(n) for n in range(5)]), day())
    assert (report.rows, report.judged, report.refused, report.missed) == (5, 5, 0, 0)
    page = Path(report.result_uri)
    assert "all rows" in page.read_text()
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["success"] is True
    assert found["meta"] == {"rows": 5, "judged": 5}
    assert len(found["results"]) == len(generated_suite(make_store(tmp_path).loop)["expectations"])


def test_validation_is_of_the_interval_only(tmp_path):
    late = line(9, when=day(1).start)
    store = pulled(tmp_path, [*(line(n) for n in range(5)), late])
    assert validate_logs(store, day()).judged == 5
    assert validate_logs(store, day(1)).judged == 1


def test_validation_of_an_interval_without_rows_is_nothing_to_do(tmp_path):
    with pytest.raises(NothingToDo, match="is traffic logged to"):
        validate_logs(make_store(tmp_path), day())


def test_validation_with_too_many_refused_lines_shows_the_first_ten_and_counts_the_rest(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(20)] + [f"broken {n}" for n in range(15)])
    with pytest.raises(DataQualityError) as caught:
        validate_logs(store, day())
    text = str(caught.value)
    assert "15 of 35 log lines were refused (42.9%)" in text
    assert [problem.split(":")[1] for problem in caught.value.problems] == [str(n) for n in range(21, 31)]
    assert text.count("not_json") == 10
    assert "and 5 more" in text


def test_refused_lines_are_those_of_the_interval_and_of_logs(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(20)] + ["broken"])
    assert validate_logs(store, day()).refused == 1
    with pytest.raises(NothingToDo):
        validate_logs(store, day(5))


def test_batch_in_which_every_line_was_refused_stops_the_loop(tmp_path):
    with pytest.raises(DataQualityError, match="3 of 3 log lines"):
        validate_logs(pulled(tmp_path, ["broken 1", "broken 2", "broken 3"]), day())


def test_expectation_that_someone_added_stops_the_loop_and_is_on_the_page(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(8)])
    edited(
        store, {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "segment_desk", "value_set": ["eu"]}}
    )
    with pytest.raises(DataQualityError) as caught:
        validate_logs(store, day())
    assert len(caught.value.problems) == 1
    assert "segment_desk values must belong to this set: eu. 4 of 8 rows do not: us, us, us" in str(caught.value)
    page = next((Path(store.uri) / "_files/expectations").rglob("*-logs-*.html"))
    assert "4 of 8 rows do not" in page.read_text()


def test_expectation_of_lower_severity_warns_and_does_not_stop(tmp_path):
    store = pulled(tmp_path, [line(n) for n in range(8)])
    wanted = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "segment_desk", "value_set": ["eu"]}}
    edited(store, wanted | {"severity": "warning"})
    report = validate_logs(store, day())
    assert report.missed == 1
    assert "! warning" in Path(report.result_uri).read_text()


def test_wrong_suite_is_a_matter_of_configuration(tmp_path):
    store = pulled(tmp_path, [line(1)])
    edited(store, {"type": "expect_column_values_to_be_nice", "kwargs": {}})
    with pytest.raises(ConfigError, match="unknown type 'expect_column_values_to_be_nice'"):
        validate_logs(store, day())


def test_sample_is_said_and_the_number_of_rows_is_of_the_whole_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "MOST_ROWS", 20)
    store = pulled(tmp_path, [line(n) for n in range(60)])
    edited(store, {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 60}})
    report = validate_logs(store, day())
    assert (report.rows, report.judged, report.missed) == (60, 20, 0)
    assert "a uniform sample of 20" in Path(report.result_uri).read_text()


class TestLostFiles:
    """A file that cannot be read counts by its size, as what a line takes in the files that can."""

    def test_truncated_parquet_file_weighs_as_many_lines_as_it_had(self, tmp_path):
        store = make_store(tmp_path, logs={"format": "parquet", "max_refused_share": 0.3})
        for name, numbers in (("a", range(200)), ("b", range(200, 400))):
            pq.write_table(
                pa.Table.from_pylist([line(n, probabilities=None) for n in numbers]),
                tmp_path / "logs" / f"{name}.parquet",
            )
        path = tmp_path / "logs" / "b.parquet"
        path.write_bytes(path.read_bytes()[:-50])
        pull_logs(store, day(), KEY)
        with pytest.raises(DataQualityError, match=r"log lines were refused, .* by the size of files") as caught:
            validate_logs(store, day())
        refused, total = (int(part) for part in re.findall(r"(\d+) of (\d+) log", str(caught.value))[0])
        assert 190 <= refused <= 210
        assert total == 200 + refused

    def test_compressed_file_that_breaks_off_weighs_what_was_behind(self, tmp_path):
        store = make_store(tmp_path, logs={"max_refused_share": 1.0})
        packed = gzip.compress("".join(json.dumps(line(n)) + "\n" for n in range(5000)).encode())
        (tmp_path / "logs" / "whole.jsonl.gz").write_bytes(packed)
        other = gzip.compress("".join(json.dumps(line(n)) + "\n" for n in range(5000, 10_000)).encode())
        (tmp_path / "logs" / "cut.jsonl.gz").write_bytes(other[: len(other) // 2])
        pull_logs(store, day(), KEY)
        report = validate_logs(store, day())
        assert report.refused == 1
        read = report.rows - 5000
        assert 0 < read < 5000
        assert report.lost == pytest.approx(max(0, 2500 - read), abs=50)

    def test_files_that_are_whole_lose_nothing(self, tmp_path):
        store = pulled(tmp_path, [*(line(n) for n in range(40)), "broken"])
        assert (validate_logs(store, day()).refused, validate_logs(store, day()).lost) == (1, 0)


def test_failures_of_the_model_are_counted_and_refuse_nothing(tmp_path):
    """A line with an error and no prediction is in quarantine; one with both is a row."""
    failed = [line(n, prediction=None, probabilities=None, error="out of memory") for n in range(5)]
    fallen = [line(n, error={"code": 504}) for n in range(5, 8)]
    store = pulled(tmp_path, [*failed, *fallen, *(line(n) for n in range(8, 12))])
    report = validate_logs(store, day())
    assert (report.rows, report.refused, report.failed, report.fell_back, report.refused_share) == (7, 0, 5, 3, 0.0)
    assert "5 without a prediction, 3 with an error beside it" in Path(report.result_uri).read_text()
    codes = {(row["reason_code"], row["reason"]) for row in store.read("quarantine").to_pylist()}
    assert codes == {("failed_prediction", "prediction: none, since the model failed: 'out of memory'")}


def test_failure_names_its_version_under_the_sources_own_names(tmp_path):
    failed = [line(n, prediction=None, error="no", model_version=None, served={"by": n % 2}) for n in range(4)]
    store = pulled(tmp_path, failed, logs={"columns": {"model_version": "served.by"}})
    failures = store.read("quarantine", columns=["reason_code", "model_version"]).to_pylist()
    assert sorted((row["reason_code"], row["model_version"]) for row in failures) == [
        ("failed_prediction", version) for version in "0011"
    ]


def test_failure_that_is_no_good_line_either_is_refused(tmp_path):
    store = pulled(tmp_path, [line(0, prediction=None, error="timeout", input={}), *(line(n) for n in range(1, 30))])
    report = validate_logs(store, day())
    assert (report.refused, report.failed) == (1, 0)


def test_batch_of_failures_alone_stops_the_loop(tmp_path):
    store = pulled(tmp_path, [line(n, prediction=None, error="timeout") for n in range(3)])
    with pytest.raises(DataQualityError, match=r"All 3 log lines .* say that the model failed"):
        validate_logs(store, day())
