"""Accuracy against what is true: anchors, invariances, degenerate cases, and how often its interval covers."""

import numpy as np
import pytest
from scipy import stats

from include.foundation.statistics.estimates import UNKNOWN
from include.foundation.statistics.label_noise import FEWEST_REPEATED, true_accuracy
from include.foundation.statistics.latent_classes import dawid_skene, majority
from include.foundation.statistics.votes import Votes
from tests.include.foundation.statistics.crowds import say, simulated, votes_of


def model_of(generator, truth, accuracy, classes):
    """What a model of some accuracy predicts."""
    wrong = (truth + 1 + generator.integers(0, classes - 1, truth.size)) % classes
    return np.where(generator.random(truth.size) < accuracy, truth, wrong)


def test_answers_that_are_never_wrong_leave_the_plain_share_and_its_exact_interval():
    truth = np.arange(300) % 3
    predicted = np.where(np.arange(300) % 10 == 0, (truth + 1) % 3, truth)
    found = true_accuracy(votes_of([[label] * 4 for label in truth], 3), predicted, np.ones(300))
    exact = stats.binomtest(270, 300).proportion_ci(method="exact")
    assert (found.value, found.low, found.high) == pytest.approx((0.9, exact.low, exact.high), abs=0.004)


def test_two_answers_of_known_noise_give_the_estimate_of_moments():
    """Binary, symmetric: a model of accuracy m agrees with an answer of accuracy a in m a + (1 - m)(1 - a) of items."""
    generator = np.random.default_rng(1)
    truth, votes = simulated(generator, 6000, [0.8, 0.8], 2)
    predicted = model_of(generator, truth, 0.9, 2)
    agree = (votes.label == predicted[votes.item]).mean()
    by_item = votes.label.reshape(-1, 2)
    accuracy = (1 + np.sqrt(2 * (by_item[:, 0] == by_item[:, 1]).mean() - 1)) / 2
    moments = (agree - (1 - accuracy)) / (2 * accuracy - 1)
    assert true_accuracy(votes, predicted, np.ones(6000)).value == pytest.approx(moments, abs=0.01)


@pytest.mark.parametrize("repeated", [0, FEWEST_REPEATED - 1])
def test_noise_is_unknown_where_hardly_an_item_has_two_answers(repeated):
    table = [[0, 0]] * repeated + [[0, None]] * 100
    assert true_accuracy(votes_of(table, 2), np.zeros(len(table), dtype=np.int64), np.ones(len(table))) == UNKNOWN


def test_noise_is_unknown_where_answers_hardly_agree():
    """Of one item in thirty-three that is of the rare class, three answers in four are errors."""
    generator = np.random.default_rng(1)
    truth = (np.arange(330) % 33 == 0).astype(np.int64)
    table = np.where(generator.random((330, 3)) < 0.8, truth[:, None], 1 - truth[:, None])
    assert true_accuracy(votes_of(table.tolist(), 2), np.zeros(330, dtype=np.int64), np.ones(330)) == UNKNOWN
    assert true_accuracy(votes_of([[0, 0]] * 60, 2), np.zeros(60, dtype=np.int64), np.ones(60)).value > 0.98


@pytest.mark.parametrize("seed", range(8))
def test_model_that_says_one_class_alone_tells_nothing_of_annotators(seed):
    """Taken for one of the team, it made its frequent class look like an error of everyone: 0.32 instead of 0.9."""
    generator = np.random.default_rng(seed)
    truth = np.arange(200) % 10 // 9
    wrong = (truth[:, None] + generator.integers(1, 3, (200, 3))) % 3
    table = np.where(generator.random((200, 3)) < [0.9, 0.85, 0.8], truth[:, None], wrong)
    found = true_accuracy(votes_of(table.tolist(), 3), np.zeros(200, dtype=np.int64), np.ones(200))
    assert found.value == pytest.approx(0.9, abs=0.06)


def test_scale_of_weights_and_order_of_items_do_not_matter():
    generator = np.random.default_rng(2)
    truth, votes = simulated(generator, 120, [0.9, 0.8, 0.7], 3)
    predicted, weights = model_of(generator, truth, 0.8, 3), generator.random(120) + 0.1
    place = generator.permutation(120)
    moved = Votes(place[votes.item], votes.annotator, votes.label, 120, 3, 3)
    predicted_there, weights_there = np.empty(120, dtype=np.int64), np.empty(120)
    predicted_there[place], weights_there[place] = predicted, weights * 7
    one, other = (
        true_accuracy(*each) for each in ((votes, predicted, weights), (moved, predicted_there, weights_there))
    )
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_prediction_that_nobody_can_say_is_wrong():
    truth, votes = simulated(np.random.default_rng(3), 90, [0.95, 0.95, 0.95], 3)
    predicted = np.where(np.arange(90) < 45, -1, truth)
    assert true_accuracy(votes, predicted, np.ones(90)).value == pytest.approx(0.5, abs=0.01)


def test_unanswered_rows_could_be_right_or_wrong():
    truth, votes = simulated(np.random.default_rng(4), 80, [0.95, 0.9, 0.9], 3)
    whole, part = (true_accuracy(votes, truth, np.full(80, 5.0), missing) for missing in (0.0, 100.0))
    assert part.value == whole.value
    assert (part.low, part.high) == pytest.approx((whole.low * 0.8, whole.high * 0.8 + 0.2))


@pytest.mark.parametrize(
    ("items", "team", "each", "model", "classes", "repetitions"),
    [
        (50, [0.9, 0.85, 0.8], 3, 0.85, 3, 150),
        (300, [0.85, 0.75, 0.7], 3, 0.85, 3, 100),
        (200, [0.95, 0.9, 0.85, 0.8, 0.75, 0.7], 2, 0.9, 4, 100),
        (200, [0.9, 0.9, 0.8, 0.8], 3, 0.97, 5, 100),
    ],
)
def test_interval_covers_the_accuracy_that_labels_hide(items, team, each, model, classes, repetitions):
    covered, error, plain_error = 0, [], []
    for seed in range(repetitions):
        generator = np.random.default_rng((seed, items))
        truth, votes = simulated(generator, items, team, classes, each)
        predicted = model_of(generator, truth, model, classes)
        found = true_accuracy(votes, predicted, np.ones(items))
        covered += found.low <= model <= found.high
        error.append(found.value - model)
        labels = majority(votes).probabilities.argmax(axis=1)
        plain_error.append((labels == predicted).mean() - model)
    rmse, plain = (float(np.sqrt(np.mean(np.square(each)))) for each in (error, plain_error))
    say(f"{covered} of {repetitions} covered; error {rmse:.3f}, of labels {plain:.3f}, bias {np.mean(error):+.3f}")
    assert covered >= stats.binom.ppf(0.001, repetitions, 0.95)
    assert rmse < plain


def test_labels_do_not_depend_on_any_model():
    """The model is an annotator of the estimate only: what it predicts never makes a label."""
    truth, votes = simulated(np.random.default_rng(6), 60, [0.9, 0.8], 3)
    before = dawid_skene(votes).probabilities
    true_accuracy(votes, (truth + 1) % 3, np.ones(60))
    assert (dawid_skene(votes).probabilities == before).all()


def test_interval_covers_where_many_people_gave_few_answers_each():
    """One whom all answers let be always right is most likely then; so are others who are right in 0.87."""
    generator, missed, crowds = np.random.default_rng(41), 0, 40
    for _ in range(crowds):
        truth = (generator.random(60) < 0.3).astype(np.int64)
        accuracy = np.concatenate([[0.1, 0.5], generator.uniform(0.72, 0.97, 22)])
        annotator = np.concatenate([generator.choice(24, 2, replace=False) for _ in truth])
        item = np.repeat(np.arange(60), 2)
        is_right = generator.random(120) < accuracy[annotator]
        votes = Votes(item, annotator, np.where(is_right, truth[item], 1 - truth[item]), 60, 24, 2)
        found = true_accuracy(votes, model_of(generator, truth, 0.87, 2), np.ones(60))
        missed += found.low is not None and found.high is not None and not found.low <= 0.87 <= found.high
    say(f"missed {missed} of {crowds}")
    assert missed <= 3
