"""Accuracy estimated from confidence: calibrated on labels, dropping with confidence, and honest about its limits."""

import numpy as np
import pytest
from scipy import stats

from include.stages.drift.monitors.estimated_performance import (
    UNCALIBRATED,
    DayEstimate,
    _compared,
    _estimate,
    calibrated,
    estimated_findings,
)
from tests.builders import make_store
from tests.include.stages.drift.drift_builders import labeled, numeric_profile, store_confidence, stored_profiles


def test_calibration_recovers_the_share_that_is_correct_and_needs_labels():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 4000)
    correct = (generator.random(4000) < confidence - 0.3).astype(float)
    calibration = calibrated(confidence, correct, np.ones(4000))
    assert calibration(np.array([0.6, 0.75, 0.9])) == pytest.approx([0.3, 0.45, 0.6], abs=0.06)
    assert calibrated(confidence[:29], correct[:29], np.ones(29)) is UNCALIBRATED
    assert calibrated(np.full(40, 0.9), np.ones(40), np.ones(40))(np.array([0.9]))[0] > 0.9


def test_calibration_shrinks_the_weighted_share_of_each_fifth_towards_its_confidence_and_rises():
    confidence = np.repeat([0.5, 0.6, 0.7, 0.8, 0.9], 6)
    weights = np.tile([1.0, 1, 1, 1, 1, 3], 5)  # of eight, scaled to six rows
    heavy, light = [0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]
    correct = np.array([heavy, light, heavy, [0] * 6, [1] * 6], dtype=float).ravel()
    found = calibrated(confidence, correct, weights)
    shares = [(2.25 + 5) / 16, (2.25 + 5) / 16, (2.25 + 7) / 16, (2.25 + 7) / 16, (6 + 9) / 16]
    assert found.correct == pytest.approx(shares)
    assert (found.confidence.tolist(), found.labels) == (pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9]), 30)


def test_estimate_of_a_day_is_the_mean_of_its_bins_or_of_its_values_where_it_has_no_bins():
    binned = numeric_profile([0.1, 0.1, 0.1, 0.9], [-np.inf, 0.5, np.inf])
    whole = numeric_profile([0.25, 0.25, 0.25, 0.75, np.nan], [-np.inf, np.inf])
    assert [_estimate(day, UNCALIBRATED) for day in (binned, whole)] == [DayEstimate(0.375, 4)] * 2


def test_days_without_confidences_are_no_days_of_the_reference(tmp_path):
    empty, full = (numeric_profile([value] * 60, [-np.inf, np.inf], column="confidence") for value in (np.nan, 0.9))
    key = ("", "confidence")
    for reference, judged in (([full] * 7, True), ([full] * 6 + [empty], False)):
        found = estimated_findings(make_store(tmp_path), {key: [full]}, {key: reference}, [])
        assert bool(found) is judged


ORDINARY = [DayEstimate(accuracy, 100) for accuracy in (0.8, 0.82, 0.84, 0.86, 0.8, 0.82, 0.84)]


@pytest.mark.parametrize("accuracy", [0.76, 0.9])
def test_window_is_compared_by_a_one_sided_t_prediction_interval(accuracy):
    found = _compared([DayEstimate(accuracy, 30), DayEstimate(accuracy + 0.04, 10)], ORDINARY, 40)
    values = [day.accuracy for day in ORDINARY]
    error = np.std(values, ddof=1) * np.sqrt(1 / 2 + 1 / 7)
    assert found is not None
    assert (found.estimate, found.reference) == pytest.approx((accuracy + 0.01, np.mean(values)))
    assert found.half_width == pytest.approx(2 * error)
    assert found.p_value == pytest.approx(stats.t.cdf((accuracy + 0.01 - np.mean(values)) / error, 6))


def test_window_of_too_few_rows_or_reference_days_is_not_compared():
    assert _compared([DayEstimate(0.8, 39)], ORDINARY, 40) is None
    assert _compared([DayEstimate(0.8, 40)], ORDINARY[:6], 40) is None
    same = _compared([DayEstimate(0.8, 40)], ORDINARY[:1] * 7, 40)
    assert same is not None
    assert (same.p_value, same.half_width) == (pytest.approx(0.5), pytest.approx(2e-9))


def test_estimate_is_calibrated_on_the_labels_whose_confidence_is_known(tmp_path):
    store = make_store(tmp_path)
    store_confidence(store, 0.85)
    for count, told in ((29, "not calibrated: fewer than thirty labels"), (60, "calibrated on 40 labels")):
        labels = [labeled(correct=n % 2 == 0, confidence=0.85 if n < 40 else None) for n in range(count)]
        current, reference = stored_profiles(store)
        (finding,) = estimated_findings(store, current, reference, labels)
        assert f", {told})" in finding.sentence
    assert finding.details.estimate == pytest.approx((4 + 8.5) / 18, abs=0.01)


@pytest.mark.parametrize(("level", "flagged"), [(0.85, False), (0.84, False), (0.7, True), (0.95, False)])
def test_estimate_drops_with_confidence_and_says_what_it_cannot_see(tmp_path, level, flagged):
    store = make_store(tmp_path)
    store_confidence(store, level)
    current, reference = stored_profiles(store)
    (finding,) = estimated_findings(store, current, reference, [])
    assert finding.flagged is flagged
    assert finding.effect == pytest.approx(max(0.0, 0.85 - level), abs=0.01)
    assert (finding.p_value < 1e-4) is (level < 0.85)
    assert "does not see a change of what is right" in finding.sentence
    assert "not calibrated" in finding.sentence
