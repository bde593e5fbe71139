"""Accuracy estimated from confidence: calibrated on labels, dropping with confidence, and honest about its limits."""

import numpy as np
import pytest

from include.stages.drift.monitors.estimated_performance import UNCALIBRATED, calibrated, estimated_findings
from tests.builders import day, make_store
from tests.include.stages.drift.drift_builders import store_confidence

REFERENCE = [day(number).days[0] for number in range(-14, 0)]


def test_calibration_recovers_the_share_that_is_correct_and_needs_labels():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 4000)
    correct = (generator.random(4000) < confidence - 0.3).astype(float)
    calibration = calibrated(confidence, correct, np.ones(4000))
    assert calibration(np.array([0.6, 0.75, 0.9])) == pytest.approx([0.3, 0.45, 0.6], abs=0.06)
    assert calibrated(confidence[:29], correct[:29], np.ones(29)) is UNCALIBRATED
    assert calibrated(np.full(40, 0.9), np.ones(40), np.ones(40))(np.array([0.9]))[0] > 0.9


@pytest.mark.parametrize(("level", "flagged"), [(0.85, False), (0.7, True), (0.95, False)])
def test_estimate_drops_with_confidence_and_says_what_it_cannot_see(tmp_path, level, flagged):
    store = make_store(tmp_path)
    store_confidence(store, level)
    (finding,) = estimated_findings(store, day(), REFERENCE, [])
    assert finding.flagged is flagged
    assert "does not see a change of what is right" in finding.sentence
    assert "not calibrated" in finding.sentence
