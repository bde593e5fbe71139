"""A model as prior: what it adds, what it cannot spoil, and when it is not heard."""

import numpy as np
import pytest

from include.foundation.statistics.latent_classes import dawid_skene
from include.foundation.statistics.model_prior import FEWEST_COMPARED, ModelPrior
from tests.include.foundation.statistics.crowds import say, simulated

CROWD = [0.9, 0.8, 0.7, 0.6]


def shares(logs):
    found = np.exp(logs - logs.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def model_of(generator, truth, classes=4, *, sure=1.0):
    """The probabilities of a model that is right in about 86 %, to be multiplied by ``1 / sure`` as logarithms."""
    signal = generator.normal(size=(truth.size, classes)) + 2.2 * np.eye(classes)[truth]
    return shares(sure * 2.2 * signal)


def prior_of(votes, probabilities, version=None):
    version = np.zeros(votes.items, dtype=np.int64) if version is None else version
    return ModelPrior(probabilities, version, np.bincount(votes.item, minlength=votes.items))


def figures(probabilities, truth):
    """The share right, and the expected calibration error in ten bins."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * 10).astype(int), 9)
    return right.mean(), np.abs(np.bincount(bins, confidence - right, 10)).sum() / truth.size


def pooled(make, repetitions=6, items=400, each=3):
    """Figures of annotators alone, and with a model that ``make`` makes of a generator and of the truth."""
    found = {"alone": [], "with model": []}
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, items])
        truth, votes = simulated(generator, items, CROWD, 4, each)
        model = prior_of(votes, make(generator, truth))
        found["alone"].append((dawid_skene(votes).probabilities, truth))
        found["with model"].append((dawid_skene(votes, model=model).probabilities, truth))
    result = [figures(*map(np.concatenate, zip(*runs, strict=True))) for runs in found.values()]
    say(" ".join(f"{right:.3f}/{error:.3f}" for right, error in result))
    return result


@pytest.mark.parametrize("sure", [0.3, 1.0, 3.0])
def test_model_adds_what_it_knows_however_sure_it_is(sure):
    (alone, _), (together, error) = pooled(lambda generator, truth: model_of(generator, truth, sure=sure))
    assert together > alone + 0.03
    assert error < 0.02


def forest(generator, truth):
    """Shares of 20 trees: a class that none of them says has the probability 0, and may be true."""
    return np.array([generator.multinomial(20, row) for row in model_of(generator, truth)]) / 20


def liar(generator, truth):
    """Sure of a wrong class in an eighth of the items."""
    found = model_of(generator, truth)
    is_wrong = generator.random(truth.size) < 0.125
    found[is_wrong] = 0.99 * np.eye(4)[(truth[is_wrong] + 1) % 4] + 0.0025
    return found


@pytest.mark.parametrize("make", [forest, liar])
def test_model_that_is_sure_of_what_is_false_still_helps(make):
    (alone, _), (together, error) = pooled(make)
    assert together > alone + 0.02
    assert error < 0.02


def test_model_that_knows_nothing_changes_nothing():
    guesses = pooled(lambda generator, truth: shares(8 * generator.normal(size=(truth.size, 4))))
    (alone, error), (together, with_model) = guesses
    assert together == pytest.approx(alone, abs=0.005)
    assert with_model == pytest.approx(error, abs=0.01)


def test_each_version_is_calibrated_on_its_own():
    generator = np.random.default_rng(7)
    truth, votes = simulated(generator, 800, CROWD, 4, 3)
    version = np.arange(800) % 2
    good, bad = model_of(generator, truth), shares(8 * generator.normal(size=(800, 4)))
    said = np.where(version[:, None] == 0, good, bad)
    found = dawid_skene(votes, model=prior_of(votes, said, version)).probabilities
    alone = dawid_skene(votes).probabilities
    of_good, of_bad = version == 0, version == 1
    assert figures(found[of_good], truth[of_good])[0] > figures(alone[of_good], truth[of_good])[0] + 0.03
    assert figures(found[of_bad], truth[of_bad])[0] == pytest.approx(figures(alone[of_bad], truth[of_bad])[0], abs=0.02)


@pytest.mark.parametrize(("compared", "is_heard"), [(FEWEST_COMPARED - 1, False), (FEWEST_COMPARED, True)])
def test_version_is_heard_once_people_can_be_compared(compared, is_heard):
    """One person's answer says nothing of the model, nor of the person: too few items with two answers, and nobody hears it."""
    answers = np.where(np.arange(200) < compared, 2, 1)
    said = np.full((200, 2), 0.5)
    assert ModelPrior(said, np.zeros(200, dtype=np.int64), answers).is_heard.all() == is_heard
    assert ModelPrior(said, np.zeros(200, dtype=np.int64), answers).is_heard.any() == is_heard


def test_items_of_which_the_model_says_nothing_are_decided_by_answers():
    generator = np.random.default_rng(3)
    truth, votes = simulated(generator, 300, CROWD, 4, 3)
    said = model_of(generator, truth)
    said[::2] = np.nan
    prior = prior_of(votes, said)
    found = dawid_skene(votes, model=prior).probabilities
    assert prior.is_heard.tolist() == [place % 2 == 1 for place in range(300)]
    assert np.isfinite(found).all()
    assert figures(found[1::2], truth[1::2])[0] > figures(found[::2], truth[::2])[0]


def test_two_people_and_a_model():
    (alone, _), (together, error) = pooled(model_of, each=2)
    assert together > alone + 0.05
    assert error < 0.02
