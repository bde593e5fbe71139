"""The demo's world: deterministic, within the public contracts, and silent about the truth."""

import json
from datetime import date

import numpy as np
import pytest
from scipy import stats

from demo.annotators import ERROR_RATES, Annotators
from demo.data_sets import examples_for
from demo.example_data import Example
from demo.traffic import Traffic
from include.foundation.config.loading import loop_named
from include.foundation.errors import ConfigError
from tests.builders import CLASSES, make_loop

DAY = date(2026, 3, 10)
ROWS = 80


class Guesser:
    """A server that answers from the text's length: enough for traffic, without a gateway."""

    def __init__(self):
        self.asked, self.told = [], []

    def predict(self, rows):
        self.asked += rows
        return [{"model_version": "1", "prediction": CLASSES[len(row["input"]["text"]) % 3]} for row in rows]

    def tell(self, signals):
        self.told += signals


def examples():
    generator = np.random.default_rng(0)
    return [Example({"text": f"story {n} " + "x" * int(generator.integers(5, 60))}, CLASSES[n % 3]) for n in range(600)]


def served(folder, kind="ordinary"):
    """Return the traffic of a day, and the server that was asked."""
    loop, server = make_loop(folder, feedback={"uri": str(folder / "feedback")}), Guesser()
    traffic = Traffic(loop, examples())
    assert traffic.serve_day(DAY, ROWS, server, kind) == {"1": ROWS}
    return traffic, server


def test_same_seed_gives_the_same_traffic(tmp_path):
    (_, one), (_, other) = served(tmp_path / "a"), served(tmp_path / "b")
    assert (one.asked, one.told) == (other.asked, other.told)


def test_requests_and_feedback_hold_no_truth_but_what_users_report(tmp_path):
    traffic, server = served(tmp_path)
    assert all(set(row) == {"trace_id", "ts", "input", "segments", "user_id"} for row in server.asked)
    assert {row["ts"][:10] for row in server.asked[:-1]} == {"2026-03-10"}
    assert server.asked[-1]["ts"].startswith("2026-03-09T23:55"), "one is logged late"
    corrections = [signal for signal in server.told if signal["signal"] == "correction"]
    assert len(corrections) == 3
    assert all(signal["value"]["label"] == traffic.truth[signal["trace_id"]] for signal in corrections)
    assert {signal["value"] for signal in server.told if signal["signal"] == "rating"} <= {1, 5}


def test_shifted_days_have_fainter_pictures_and_texts_as_they_are():
    """Of small days chance alone moves classes and mean ink as much as the choice of pictures did: nothing was flagged."""
    assert Example({"pixels": [10.0, 0.0]}, "3").fainter() == Example({"pixels": [7.0, 0.0]}, "3")
    assert Example({"text": "as it is"}, "acq").fainter() == Example({"text": "as it is"}, "acq")


def test_shifted_days_have_larger_documents(tmp_path):
    sizes = {
        kind: np.mean([len(row["input"]["text"]) for row in served(tmp_path / kind, kind)[1].asked])
        for kind in ("ordinary", "shifted")
    }
    assert sizes["shifted"] > sizes["ordinary"] + 2


def test_on_traded_days_documents_are_ordinary_and_classes_have_traded_places_in_pairs(tmp_path):
    days = {kind: served(tmp_path / kind, kind) for kind in ("ordinary", "traded")}
    assert days["traded"][1].asked == days["ordinary"][1].asked
    trades, usual = days["traded"][0].trades, days["ordinary"][0].truth
    assert trades == {CLASSES[0]: CLASSES[1], CLASSES[1]: CLASSES[0]}, "the third has none to trade with"
    assert days["traded"][0].truth == {trace_id: trades.get(label, label) for trace_id, label in usual.items()}


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
