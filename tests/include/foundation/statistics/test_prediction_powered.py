"""Confidence in all logged rows makes estimates narrower where it tells something, and never makes them wrong."""

import json

import numpy as np
import pytest
from pydantic import BaseModel

from include.foundation.statistics.calibrated_confidence import BIN_CENTRES, confidence_bins
from include.foundation.statistics.class_recall import weighted_recall
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.statistics.prediction_powered import NO_CELL, LoggedConfidence
from tests.include.foundation.statistics.crowds import say

BINS = BIN_CENTRES.size
# What ppi-python 0.2.3 gives for `served(seed, …)`: `ppi_mean_pointestimate` with lam 0, 1 and chosen, and `ppi_mean_ci`.
PEER = [
    ((0, 60, 2000, 0.8), (0.85, 0.8640831924232271, 0.8605815669672828), (0.7741941388894248, 0.9469689950451409)),
    ((1, 200, 5000, 0.9), (0.93, 0.932048682854643, 0.9312802040574384), (0.8971324151460223, 0.9654279929688545)),
]


def served(seed, rows, accuracy, sharpness=8.0):
    """Return how confident a model is in some rows, and in which it is right: as often as it thinks."""
    generator = np.random.default_rng(seed)
    confidence = generator.beta(sharpness * accuracy, sharpness * (1 - accuracy), rows)
    return confidence, (generator.random(rows) < confidence).astype(float)


def beside(confidence, labeled, cells=None, days=1):
    """Return confidence in the labeled rows and in all of them; `cells` is the day of each row."""
    cells = np.zeros(confidence.size, dtype=int) if cells is None else cells
    bins = confidence_bins(confidence)
    logged = np.bincount(cells * BINS + bins, minlength=days * BINS).reshape(days, 1, BINS).astype(float)
    names = [str(place) for place in labeled]
    return LoggedConfidence(BIN_CENTRES, logged, cells[labeled], np.zeros(len(labeled), int), bins[labeled], names)


def power_tuned(right, ours, theirs):
    """Return the estimate and the interval of Angelopoulos, Duchi & Zrnic (2023), as their paper writes them."""
    n, others = right.size, theirs.size
    spread = np.var(np.concatenate([ours, theirs]), ddof=1)
    tuned = max(np.mean((right - right.mean()) * (ours - ours.mean())) / ((1 + n / others) * spread), 0.0)
    value = tuned * theirs.mean() + (right - tuned * ours).mean()
    deviation = np.sqrt(np.var(tuned * theirs) / others + np.var(right - tuned * ours) / n)
    return value, 1.959964 * deviation


@pytest.mark.parametrize(("stream", "points", "interval"), PEER)
def test_formula_that_we_are_held_against_is_that_of_the_reference_implementation(stream, points, interval):
    seed, n, rows, accuracy = stream
    confidence, right = served(seed, rows, accuracy)
    value, half = power_tuned(right[:n], confidence[:n], confidence[n:])
    assert right[:n].mean() == pytest.approx(points[0])
    assert value == pytest.approx(points[2], abs=1e-6)
    assert (value - half, value + half) == pytest.approx(interval, abs=1e-6)


@pytest.mark.parametrize("sharpness", [1.0, 8.0])
def test_estimate_and_width_are_those_of_power_tuned_inference_where_rows_weigh_alike(sharpness):
    """Where confidence is calibrated; ours learns that from other rows, so that single streams differ a little."""
    apart, widths, plain = [], [], []
    for seed in range(150):
        confidence, right = served(seed, 6000, 0.85, sharpness)
        labeled = np.arange(300)
        found = weighted_mean(right[:300], np.full(300, 0.05), beside=beside(confidence, labeled))
        value, half = power_tuned(right[:300], confidence[:300], confidence[300:])
        apart.append(found.value - value)
        plain.append(right[:300].mean() - value)
        widths.append((found.high - found.low) / (2 * half))
    say(f"apart {np.std(apart):.4f}, plain {np.std(plain):.4f}, widths {np.mean(widths):.3f}")
    assert np.std(apart) < 0.4 * np.std(plain)
    assert abs(np.mean(apart)) < 0.002
    assert 0.97 < np.mean(widths) < 1.15  # the exact interval, and a curve that had to be learnt


@pytest.mark.parametrize("accuracy", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("rows", "narrower"), [(20, 1.02), (200, 0.98)])
def test_informative_confidence_makes_intervals_narrower_that_cover_and_estimates_nearer(rows, narrower, accuracy):
    covered, widths, errors, plain = 0, [], [], []
    for seed in range(300):
        confidence, right = served(seed, 4000, accuracy, sharpness=1.0)
        labeled = np.random.default_rng(seed).choice(4000, rows, replace=False)
        chances = np.full(rows, rows / 4000)
        found = weighted_mean(right[labeled], chances, beside=beside(confidence, labeled))
        without = weighted_mean(right[labeled], chances)
        covered += found.low <= right.mean() <= found.high
        widths.append((found.high - found.low) / (without.high - without.low))
        errors.append(found.value - right.mean())
        plain.append(without.value - right.mean())
    say(f"{covered} of 300 covered, width {np.mean(widths):.3f}, error {np.std(errors):.4f} of {np.std(plain):.4f}")
    assert covered >= 275
    assert np.mean(widths) < narrower
    assert np.sqrt(np.mean(np.square(errors))) < np.sqrt(np.mean(np.square(plain)))
    few = rows * (1 - accuracy) < 20  # whether anything is taken off is decided on the errors that there are
    trace = 4 * np.std(np.subtract(errors, plain)) / np.sqrt(300) + 0.2 * np.std(plain) * few
    assert abs(np.mean(errors) - np.mean(plain)) < trace


@pytest.mark.parametrize("rows", [20, 200])
def test_confidence_that_tells_nothing_changes_hardly_anything(rows):
    widths, covered = [], 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        confidence, right = generator.beta(8, 2, 4000), (generator.random(4000) < 0.85).astype(float)
        found = weighted_mean(right[:rows], np.full(rows, 0.02), beside=beside(confidence, np.arange(rows)))
        without = weighted_mean(right[:rows], np.full(rows, 0.02))
        widths.append((found.high - found.low) / (without.high - without.low))
        covered += found.low <= 0.85 <= found.high
    assert np.mean(widths) < 1.02
    assert covered >= 183


def test_a_model_that_is_confidently_wrong_is_found_out_all_the_same():
    """Confidence that is off by far, also between days, biases nothing."""
    errors = []
    for seed in range(200):
        confidence, right = served(seed, 4000, 0.8, sharpness=1.0)
        days = np.repeat([0, 1], 2000)
        said = np.where(days == 0, 1 - confidence / 2, 0.9 + confidence / 10)
        labeled = np.random.default_rng(seed).choice(4000, 200, replace=False)
        found = weighted_mean(right[labeled], np.full(200, 0.05), beside=beside(said, labeled, days, 2))
        errors.append(found.value - right.mean())
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(200)


def test_rows_of_a_group_say_less_and_are_judged_by_other_groups():
    """Every row ten times over: neither the interval nor the gain gets better than that of the rows themselves."""
    confidence, right = served(3, 4000, 0.85, sharpness=1.0)
    labeled = np.arange(100)
    once = weighted_mean(right[:100], np.full(100, 0.05), beside=beside(confidence, labeled))
    known = beside(confidence, np.repeat(labeled, 10))
    groups = [f"group {place}" for place in np.repeat(labeled, 10)]
    tenfold = weighted_mean(np.repeat(right[:100], 10), np.full(1000, 0.05), groups=groups, beside=known)
    assert 1 < tenfold.gain < 1.3 * once.gain
    assert tenfold.effective_rows < 1.3 * once.effective_rows


def test_nothing_is_made_of_rows_beside_which_nothing_is_known():
    confidence, right = served(4, 4000, 0.85, sharpness=1.0)
    known = beside(confidence, np.arange(100))
    unknown = LoggedConfidence(
        BIN_CENTRES, known.logged, np.full(100, NO_CELL), known.classes, known.bins, known.names
    )  # fmt: skip
    plain = weighted_mean(right[:100], np.full(100, 0.05))
    assert weighted_mean(right[:100], np.full(100, 0.05), beside=unknown) == plain
    more = beside(confidence, np.arange(400))
    found = weighted_mean(right[:200], np.full(200, 0.05), beside=more.at(np.arange(400) < 200))
    assert found == weighted_mean(right[:200], np.full(200, 0.05), beside=beside(confidence, np.arange(200)))
    assert found.gain > 1
    assert weighted_mean(right[:1], [0.05], beside=known.at(np.arange(100) < 1)).gain == 1


def test_every_row_labeled_leaves_no_luck_to_take_off():
    confidence, right = served(5, 400, 0.85, sharpness=1.0)
    found = weighted_mean(right, np.ones(400), beside=beside(confidence, np.arange(400)))
    assert found.value == pytest.approx(right.mean(), abs=0.01)
    assert found.gain == pytest.approx(1.0)


def test_recall_rests_on_what_was_served_as_the_class():
    """The served class tells most of which rows are of it: intervals are narrower, and cover."""
    covered, widths, errors = 0, [], []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        confidence, right = served(seed, 6000, 0.85, sharpness=1.0)
        label = generator.integers(0, 4, 6000)
        predicted = np.where(right == 1, label, (label + generator.integers(1, 4, 6000)) % 4)
        bins, labeled = confidence_bins(confidence), np.arange(300)
        logged = np.bincount(predicted * BINS + bins, minlength=4 * BINS).reshape(1, 4, BINS).astype(float)
        known = LoggedConfidence(
            BIN_CENTRES, logged, np.zeros(300, int), predicted[:300], bins[:300], [str(place) for place in labeled]
        )
        of_class, chances = label[:300] == 1, np.full(300, 0.05)
        recalled = (predicted[:300] == 1).astype(float)
        found = weighted_recall(recalled, of_class, chances, beside=(known, 1, right[:300]))
        plain = weighted_recall(recalled, of_class, chances)
        truth = float((predicted[label == 1] == 1).mean())
        covered += found.low <= truth <= found.high
        widths.append((found.high - found.low) / (plain.high - plain.low))
        errors.append((found.value - truth, plain.value - truth))
    own, without = np.std(errors, axis=0)
    say(f"{covered} of 200 covered, width {np.mean(widths):.3f}, error {own:.4f} of {without:.4f}")
    assert covered >= 180
    assert np.mean(widths) < 0.95
    assert own < without


def test_gain_is_said_and_kept_and_decisions_without_one_read_as_they_were_recorded():
    class Evidence(BaseModel):
        score: Estimate

    powered = Estimate(0.85, 0.8, 0.9, 100, 150.0, gain=1.5)
    assert str(powered) == "0.850 (0.800 to 0.900, 100 rows, worth 150 by confidence)"
    assert Estimate.from_json(json.loads(json.dumps(powered.to_json()))) == powered
    assert Evidence(score=powered).model_dump()["score"]["gain"] == 1.5
    recorded = {"score": {"value": 0.85, "low": 0.8, "high": 0.9, "rows": 100, "effective_rows": 100.0}}
    assert Evidence(**recorded).model_dump() == recorded
