"""Confidence is calibrated on labels, and counted in the bins that days are counted in."""

import numpy as np
import pytest

from include.foundation.statistics.calibrated_confidence import (
    CONFIDENCE_EDGES,
    UNCALIBRATED,
    calibrated,
    confidence_bins,
)
from include.stages.drift.profiling.counting import NumberCounts


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


def test_bins_of_confidences_are_those_that_profiles_count_them_in():
    confidence = np.concatenate([np.random.default_rng(0).random(2000), CONFIDENCE_EDGES[1:-1], [0.0, 1.0]])
    counts = NumberCounts(list(CONFIDENCE_EDGES), [1])
    counts.add(confidence, [None])
    found = np.bincount(confidence_bins(confidence), minlength=len(CONFIDENCE_EDGES) - 1)
    assert counts.of_group(0, 0).counts == found.tolist()
