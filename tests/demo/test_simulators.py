"""The demo's world: deterministic, within the public contracts, and silent about the truth."""

import json
from datetime import date
from typing import cast

import numpy as np
import pytest
from scipy import stats

from demo.annotators import ERROR_RATES, Annotators
from demo.data_sets import examples_for
from demo.example_data import Example
from demo.traffic import Traffic
from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError
from include.foundation.intervals import Interval
from include.foundation.models.loaded_model import LoadedModel
from include.stages.logs.feedback.feedback_lines import pull_feedback
from include.stages.logs.pulling import pull_logs
from tests.builders import CLASSES, KEY, make_loop, make_store

DAY = date(2026, 3, 10)
ROWS = 80


class Guesser:
    """A model that answers from the text's length: enough for traffic, without MLflow."""

    version = "1"

    def predict(self, rows):
        lengths = np.array([len(text) for text in rows.column("input_text").to_pylist()])
        probabilities = np.full((lengths.size, 3), 0.2)
        probabilities[np.arange(lengths.size), lengths % 3] = 0.6
        return np.array(CLASSES, dtype=object)[lengths % 3], probabilities


def examples():
    generator = np.random.default_rng(0)
    return [Example({"text": f"story {n} " + "x" * int(generator.integers(5, 60))}, CLASSES[n % 3]) for n in range(600)]


def served(folder, *, shifted=False):
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    loop = make_loop(folder, feedback={"uri": str(folder / "feedback")})
    traffic = Traffic(loop, examples())
    traffic.serve_day(DAY, ROWS, cast("LoadedModel", Guesser()), shifted=shifted)
    return traffic


def test_same_seed_gives_the_same_traffic(tmp_path):
    served(tmp_path / "a")
    served(tmp_path / "b")
    assert (tmp_path / "a" / "logs" / "2026-03-10.jsonl").read_bytes() == (
        tmp_path / "b" / "logs" / "2026-03-10.jsonl"
    ).read_bytes()


def test_pull_accepts_all_but_the_planted_faults(tmp_path):
    served(tmp_path)
    store = make_store(tmp_path, feedback={"uri": str(tmp_path / "feedback")})
    interval = Interval.parse("2026-03-10", "2026-03-11")
    report = pull_logs(store, interval, KEY)
    assert report.rows == ROWS - 1  # the last one is late
    assert report.late == 1
    assert report.duplicates == 1
    assert report.refused == 2  # one impossible probability, one line cut off
    assert pull_feedback(store, interval, KEY).rows == 3


def test_logs_and_feedback_hold_no_truth_but_what_users_report(tmp_path):
    traffic = served(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "logs" / "2026-03-10.jsonl").read_text().splitlines()[:-1]]
    assert all(
        set(line) <= {"trace_id", "ts", "model_version", "input", "prediction", "probabilities", "segments", "user_id"}
        for line in lines
    )
    signals = [json.loads(line) for line in (tmp_path / "feedback" / "2026-03-10.jsonl").read_text().splitlines()]
    assert len(signals) == 3
    assert all(item["value"]["label"] == traffic.truth[item["trace_id"]] for item in signals)


def test_shifted_days_have_fainter_pictures_and_texts_as_they_are():
    """Of small days chance alone moves classes and mean ink as much as the choice of pictures did: nothing was flagged."""
    assert Example({"pixels": [10.0, 0.0]}, "3").fainter() == Example({"pixels": [7.0, 0.0]}, "3")
    assert Example({"text": "as it is"}, "acq").fainter() == Example({"text": "as it is"}, "acq")


def test_shifted_days_have_larger_documents(tmp_path):
    sizes = {}
    for shifted in (False, True):
        served(tmp_path / str(shifted), shifted=shifted)
        path = tmp_path / str(shifted) / "logs" / "2026-03-10.jsonl"
        sizes[shifted] = np.mean(
            [len(json.loads(line)["input"]["text"]) for line in path.read_text().splitlines()[:ROWS]]
        )
    assert sizes[True] > sizes[False] + 2


@pytest.mark.parametrize("name", sorted(ERROR_RATES))
def test_annotator_errs_as_often_as_stated(tmp_path, name):
    truth = {f"t{n}": CLASSES[n % 3] for n in range(2000)}
    annotators = Annotators(make_loop(tmp_path), truth)
    wrong = sum(annotators.says(name, f"r{n}", f"t{n}") != truth[f"t{n}"] for n in range(2000))
    low, high = stats.binomtest(wrong, 2000).proportion_ci(0.999)
    assert low <= ERROR_RATES[name] <= high


def test_annotators_answer_each_request_once(tmp_path):
    loop = make_loop(tmp_path)
    folder = tmp_path / "labeling" / "requests"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"request_id": f"r{n}", "trace_id": f"t{n}", "tier": 1 + n // 4}) + "\n" for n in range(5))
    )
    annotators = Annotators(loop, {f"t{n}": "earn" for n in range(5)})
    assert annotators.answer_open() == 4 * 3 + 1, "the reviewer answers what is left to a further tier"
    assert annotators.answer_open() == 0


def test_digits_are_found_by_their_classes_and_unknown_classes_are_refused(tmp_path):
    digits = examples_for(loop_named("digits"))
    assert len(digits) == 1797
    assert len(digits[0].input["pixels"]) == 64
    with pytest.raises(ConfigError, match="No example data"):
        examples_for(make_loop(tmp_path))
