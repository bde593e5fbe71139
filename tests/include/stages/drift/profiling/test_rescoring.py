"""A version that is new is asked what it says of the days before, once, on a sample; what it served itself is counted."""

import numpy as np
import pytest

from include.foundation.errors import RegistryError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.rows import rows_of
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling import rescoring
from include.stages.drift.profiling.rescoring import profile_version
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import DRIFT, fill, stored_profiles

CLASSES = ["acq", "earn", "grain"]
CONFIDENT = {"model_version": "2", "confidence": lambda place: 0.9 + place % 7 / 100}


class LengthModel:
    """Says that long texts are grain, with a confidence that hangs on their length; remembers what it was asked."""

    classes_ = np.array(CLASSES)

    def __init__(self):
        self.asked = []

    def predict_proba(self, frame):
        self.asked.append(len(frame))
        right = 0.9 + frame["text"].str.len().to_numpy() % 7 / 100
        return np.column_stack([(1 - right) / 2, (1 - right) / 2, right])


def loaded(store, estimator):
    return LoadedModel(store.loop, "2", "run", "", estimator)


def days(first, last):
    return [day(number).days[0] for number in range(first, last)]


def test_new_version_has_ordinary_days_at_once_and_its_other_confidence_is_no_drift(tmp_path):
    store, model = make_store(tmp_path, drift=DRIFT), LengthModel()
    fill(store, 0, 14, rows=200)
    fill(store, 14, 1, rows=200, predicted="grain", **CONFIDENT)
    verdict = detect_drift(store, day(14), lambda version: loaded(store, model) if version == "2" else None)
    judged = {finding.column for finding in verdict.columns}
    assert {"confidence", "predicted"} <= judged
    assert [finding.monitor for finding in verdict.monitors] == ["estimated_performance"] * 3
    assert (verdict.outcome, verdict.flagged, verdict.version) == ("stable", False, "2")
    assert not any("unknown" in reason for reason in verdict.reasons)
    asked = list(model.asked)
    assert detect_drift(store, day(14), lambda _: loaded(store, model)).evidence_digest == verdict.evidence_digest
    assert model.asked == asked


def test_drop_of_a_new_versions_confidence_is_found_on_its_first_day(tmp_path):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14, rows=200)
    fill(store, 14, 1, rows=200, predicted="grain", model_version="2", confidence=lambda place: 0.6 + place % 7 / 100)
    verdict = detect_drift(store, day(14), lambda _: loaded(store, LengthModel()))
    assert "confidence" in {finding.column for finding in verdict.columns if finding.flagged}
    assert verdict.route == "retrain"


def _unreachable(_):
    raise RegistryError("MLflow does not answer")


@pytest.mark.parametrize(("load", "why"), [(lambda _: None, "needed."), (_unreachable, "MLflow does not answer")])
def test_version_without_a_model_is_unknown_until_it_has_days_of_its_own(tmp_path, load, why):
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 14, rows=100)
    fill(store, 14, 8, rows=100, **CONFIDENT)
    first, last = (detect_drift(store, day(number), load) for number in (16, 21))
    (told,) = [reason for reason in first.reasons if "version 2 are unknown: 2 days of it of 7 needed" in reason]
    assert why in told
    assert (first.flagged, first.monitors) == (False, ())
    assert "confidence" not in {finding.column for finding in first.columns}
    assert "confidence" in {finding.column for finding in last.columns}
    assert not any("unknown" in reason for reason in last.reasons)


def test_days_are_sampled_by_trace_id_and_those_it_served_are_counted_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(rescoring, "SAMPLE", 50)
    store, model = make_store(tmp_path, drift=DRIFT), LengthModel()
    fill(store, 0, 3, rows=300)
    fill(store, 3, 1, rows=300, **CONFIDENT)
    served = stored_profiles(store, day(3))[0]["", "confidence@2"]
    assert profile_version(store, "2", days(0, 3), lambda: loaded(store, model)) == 3
    assert all(20 < count < 90 for count in model.asked)
    before = stored_profiles(store, day(0))[0]
    assert before["", "predicted@2"][0].values.categories == ["grain"]
    assert before["", "confidence@2"][0].rows == model.asked[0]
    assert before["desk=eu", "confidence@2"][0].rows + before["desk=us", "confidence@2"][0].rows == model.asked[0]
    assert profile_version(store, "2", days(0, 4), lambda: loaded(store, model)) == 4
    assert stored_profiles(store, day(3))[0]["", "confidence@2"] == served
    assert stored_profiles(store, day(0))[0] == before


def test_store_of_an_earlier_version_of_the_loop_needs_no_model(tmp_path):
    """Its days were profiled without telling versions apart; the predictions themselves say which served them."""
    store = make_store(tmp_path, drift=DRIFT)
    fill(store, 0, 15, rows=100)
    old = [row for row in store.read("profiles").to_pylist() if row["day"] < day(14).days[0]]
    for row in old:
        row["column"] = row["column"].removesuffix("@1")
    store.replace_where("profiles", rows_of(store.loop, "profiles", old), "day", days(0, 14))
    verdict = detect_drift(store, day(14), _unreachable)
    assert "confidence" in {finding.column for finding in verdict.columns}
    assert not any("unknown" in reason for reason in verdict.reasons)
