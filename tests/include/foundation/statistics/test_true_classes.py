"""Figures against what is true: anchors, invariances, degenerate cases, and that they carry the doubt that answers leave."""

import numpy as np
import pytest
from scipy import stats

from include.foundation.statistics.estimates import UNKNOWN, weighted_difference
from include.foundation.statistics.latent_classes import majority
from include.foundation.statistics.true_classes import TrueClasses, true_classes
from tests.include.foundation.statistics.crowds import votes_of

ITEMS = 240


def model_of(generator, truth, recalls):
    """What a model of some recall by class predicts."""
    wrong = (truth + generator.integers(1, len(recalls), truth.size)) % len(recalls)
    return np.where(generator.random(truth.size) < np.array(recalls)[truth], truth, wrong)


def certain(predicted_of, *, items=ITEMS, weights=None):
    """Items of three classes of which four annotators say what they are, and what models predict of them."""
    truth = np.arange(items) % 3
    votes = votes_of([[label] * 4 for label in truth], 3)
    models = [each(truth) for each in predicted_of]
    return truth, models, true_classes(votes, models, np.ones(items) if weights is None else weights)


def test_answers_that_are_never_wrong_leave_the_shares_of_labels_and_their_exact_intervals():
    truth, (model,), found = certain([lambda truth: np.where(np.arange(ITEMS) % 10 < 2, (truth + 1) % 3, truth)])
    assert (found.drawn == truth).mean() > 0.999
    recall = found.share(found.drawn == 0, model == 0)
    right = int(((truth == 0) & (model == 0)).sum())
    exact = stats.binomtest(right, 80).proportion_ci()
    assert (recall.value, recall.rows) == (pytest.approx(right / 80, abs=0.002), 80)
    assert (recall.low, recall.high) == pytest.approx((exact.low, exact.high), abs=0.02)
    assert recall.effective_rows == pytest.approx(80, rel=0.05)


def test_difference_of_answers_that_are_never_wrong_is_that_of_labels():
    worse, better = (
        lambda truth, wrong=wrong: np.where(np.arange(ITEMS) % 20 < wrong, (truth + 1) % 3, truth) for wrong in (4, 1)
    )
    truth, (lower, higher), found = certain([worse, better])
    plain = weighted_difference((higher == truth).astype(float) - (lower == truth), np.ones(ITEMS))
    said = found.difference(np.ones(ITEMS, dtype=bool), higher, lower)
    assert (said.value, said.low, said.high) == pytest.approx((plain.value, plain.low, plain.high), abs=0.012)


def test_errors_of_annotators_are_taken_out_of_recall_by_class():
    """A class of one item in five: of what a majority calls so, much is another class, which the model seems to miss."""
    generator = np.random.default_rng(3)
    truth = (np.arange(1600) % 5 == 0).astype(np.int64)
    said = np.where(generator.random((1600, 3)) < 0.85, truth[:, None], 1 - truth[:, None])
    predicted = np.where(generator.random(1600) < np.array([0.95, 0.8])[truth], truth, 1 - truth)
    votes = votes_of(said.tolist(), 2)
    label = majority(votes).probabilities.argmax(axis=1)
    found = true_classes(votes, [predicted], np.ones(1600))
    recall = found.share(found.drawn == 1, predicted == 1)
    assert (predicted[label == 1] == 1).mean() < 0.7
    assert recall.low < 0.8 < recall.high
    assert recall.value == pytest.approx((predicted[truth == 1] == 1).mean(), abs=0.06)


def test_doubt_about_what_is_true_makes_intervals_wider():
    generator, widths = np.random.default_rng(4), []
    truth = generator.integers(0, 3, ITEMS)
    model = model_of(generator, truth, (0.8, 0.8, 0.8))
    for accuracy in (0.99, 0.72):
        wrong = (truth[:, None] + generator.integers(1, 3, (ITEMS, 3))) % 3
        said = np.where(generator.random((ITEMS, 3)) < accuracy, truth[:, None], wrong)
        found = true_classes(votes_of(said.tolist(), 3), [model], np.ones(ITEMS))
        recall = found.share(found.drawn == 0, model == 0)
        widths.append(recall.high - recall.low)
    assert widths[1] > 1.1 * widths[0]


def test_weights_in_another_unit_change_nothing_and_the_same_answers_say_the_same():
    _, (model,), found = certain([lambda truth: np.where(np.arange(ITEMS) % 5 == 0, (truth + 1) % 3, truth)])
    _, _, scaled = certain([lambda _: model], weights=np.full(ITEMS, 7.0))
    first, second = (each.share(each.drawn == 1, model == 1) for each in (found, scaled))
    assert (first.value, first.low, first.high) == pytest.approx((second.value, second.low, second.high))


def test_rows_that_tell_less_have_a_wider_interval_and_luck_is_taken_off():
    _, (model,), found = certain([lambda truth: np.where(np.arange(ITEMS) % 5 == 0, (truth + 1) % 3, truth)])
    plain, grouped, unlucky = (found.share(found.drawn == 1, model == 1, *told) for told in ((), (0.25,), (1.0, 0.1)))
    assert grouped.value == plain.value
    assert grouped.high - grouped.low > 1.6 * (plain.high - plain.low)
    assert unlucky.value == pytest.approx(plain.value - 0.1)


def test_class_that_nobody_named_and_an_empty_slice_are_unknown():
    drawn = TrueClasses(np.zeros((5, 4), dtype=np.int64), np.ones(4))
    assert drawn.share(drawn.drawn == 1, np.ones(4, dtype=bool)) == UNKNOWN
    assert drawn.difference(np.zeros(4, dtype=bool), np.zeros(4, dtype=np.int64), np.ones(4, dtype=np.int64)) == UNKNOWN


def test_retired_class_that_a_model_predicts_is_never_right():
    truth, (model,), found = certain([lambda truth: np.where(np.arange(ITEMS) % 4 == 0, -1, truth)])
    said = found.share(np.ones(ITEMS, dtype=bool), found.drawn == model)
    assert said.value == pytest.approx(0.75, abs=0.005)
    assert (found.drawn == truth).mean() > 0.999


def test_single_answers_tell_nothing_of_what_is_true():
    assert true_classes(votes_of([[0], [1]] * 50, 2), [np.zeros(100, dtype=np.int64)], np.ones(100)) is None


def test_intervals_of_recall_cover_what_is_true():
    """Of 25 crowds with an error in one answer of six."""
    covered = np.zeros((25, 3))
    for seed in range(25):
        generator = np.random.default_rng(seed)
        truth = generator.choice(3, ITEMS, p=[0.5, 0.35, 0.15])
        said = np.where(
            generator.random((ITEMS, 3)) < 5 / 6,
            truth[:, None],
            (truth[:, None] + generator.integers(1, 3, (ITEMS, 3))) % 3,
        )
        model = model_of(generator, truth, (0.95, 0.85, 0.65))
        found = true_classes(votes_of(said.tolist(), 3), [model], np.ones(ITEMS))
        for place, recall in enumerate((0.95, 0.85, 0.65)):
            estimate = found.share(found.drawn == place, model == place)
            covered[seed, place] = estimate.low <= recall <= estimate.high
    assert covered.sum(axis=0).min() >= 21
