"""Latent classes: anchors, invariances, degenerate cases, an independent recomputation, and what shrinking gains."""

import math

import numpy as np
import pytest

from include.foundation.statistics.latent_classes import dawid_skene, majority
from include.foundation.statistics.votes import Votes
from tests.include.foundation.statistics.crowds import say, simulated, votes_of

CONSENSUS = {"majority": majority, "dawid_skene": dawid_skene}


def strongest(counts, shares, ordinary):
    """The strength on the grid under which rows of counts are the most probable, with the log-normal prior around 1."""
    found = {}
    for strength in [2.0**power for power in range(11)]:
        log = -(math.log(strength / ordinary) ** 2) / 2
        for row, expected in zip(counts, shares, strict=True):
            log += math.lgamma(strength) - math.lgamma(strength + sum(row))
            log += sum(
                math.lgamma(strength * e + n) - math.lgamma(strength * e) for n, e in zip(row, expected, strict=True)
            )
        found[strength] = log
    return max(found, key=lambda strength: found[strength])


def slow_prior(counts, classes, learned=None):
    """What each annotator is expected to say of each class, from all annotators' counts, [annotator][true][said]."""
    right = [sum(own[k][k] for k in range(classes)) for own in counts]
    total = [sum(map(sum, own)) for own in counts]
    mean = (sum(right) + 2) / (sum(total) + 3)
    outcomes = [(r, n - r) for r, n in zip(right, total, strict=True)]
    s = learned[0] if learned else strongest(outcomes, [(mean, 1 - mean)] * len(counts), 8)
    alike = [[mean if k == c else (1 - mean) / (classes - 1) for c in range(classes)] for k in range(classes)]
    together = [[sum(own[k][c] for own in counts) for c in range(classes)] for k in range(classes)]
    w = learned[1] if learned else strongest(together, alike, 64)
    team = [
        [(together[k][c] + w * alike[k][c]) / (sum(together[k]) + w) for c in range(classes)] for k in range(classes)
    ]
    priors = []
    for r, n in zip(right, total, strict=True):
        skill = (r + s * mean) / (n + s)
        odds = skill / (1 - skill) / (mean / (1 - mean))
        rows = [[team[k][c] * (odds if k == c else 1) for c in range(classes)] for k in range(classes)]
        priors.append([[value / sum(row) for value in row] for row in rows])
    return priors, (s, w)


def slow_dawid_skene(votes, rounds=200):
    """The same model written with loops over answers: an independent recomputation."""
    answers = list(zip(votes.item.tolist(), votes.annotator.tolist(), votes.label.tolist(), strict=True))
    posterior, each = majority(votes).probabilities.tolist(), range(votes.classes)
    learned, before = None, 1.0
    for number in range(rounds):
        counts = [[[0.0] * votes.classes for _ in each] for _ in range(votes.annotators)]
        for i, a, label in answers:
            for k in each:
                counts[a][k][label] += posterior[i][k]
        priors, found = slow_prior(counts, votes.classes, learned)
        if learned is None:
            strengths = [strongest([own[k] for own in counts], [prior[k] for prior in priors], 16) for k in each]
            learned = found if number == 9 else None
        shares = [sum(row[k] for row in posterior) for k in each]
        updated = [[shares[k] - row[k] + 1 for k in each] for row in posterior]
        for i, a, label in answers:
            for k in each:
                own = posterior[i][k]
                said = counts[a][k][label] - own + strengths[k] * priors[a][k][label]
                updated[i][k] *= said / (sum(counts[a][k]) - own + strengths[k])
        updated = [[value / sum(row) for value in row] for row in updated]
        moved = max(
            abs(x - y) for one, two in zip(updated, posterior, strict=True) for x, y in zip(one, two, strict=True)
        )
        posterior, slower = updated, moved / before
        if moved == 0 or (slower < 1 and moved * slower / (1 - slower) <= 1e-3):  # of a geometric series, what is left
            break
        before = moved
    return np.array(posterior)


def test_dawid_skene_equals_an_independent_recomputation():
    _, votes = simulated(np.random.default_rng(2), 60, [0.9, 0.8, 0.6], 4)
    assert dawid_skene(votes).probabilities == pytest.approx(slow_dawid_skene(votes), abs=1e-9)


@pytest.mark.parametrize("name", sorted(CONSENSUS))
def test_annotators_who_agree_are_believed(name):
    truth = np.array([0, 1, 2, 1])
    consensus = CONSENSUS[name](votes_of([[label] * 3 for label in truth], 3))
    assert (consensus.probabilities.argmax(1) == truth).all()
    assert (consensus.probabilities.max(1) > 0.8).all()
    assert consensus.probabilities.sum(1) == pytest.approx(np.ones(4))


def test_dawid_skene_beats_majority_where_most_annotators_are_bad():
    truth, votes = simulated(np.random.default_rng(0), 600, [0.95, 0.9, 0.35, 0.35, 0.35], 4)
    right = {name: (consensus(votes).probabilities.argmax(1) == truth).mean() for name, consensus in CONSENSUS.items()}
    assert right["dawid_skene"] > right["majority"]
    assert dawid_skene(votes).accuracy == pytest.approx([0.95, 0.9, 0.35, 0.35, 0.35], abs=0.06)


def test_order_of_answers_and_names_of_annotators_do_not_matter():
    _, votes = simulated(np.random.default_rng(1), 80, [0.9, 0.8, 0.7], 3)
    order = np.random.default_rng(5).permutation(votes.item.size)
    renamed = np.array([2, 0, 1])
    permuted = Votes(votes.item[order], renamed[votes.annotator[order]], votes.label[order], 80, 3, 3)
    assert dawid_skene(permuted).probabilities == pytest.approx(dawid_skene(votes).probabilities, abs=1e-9)
    assert dawid_skene(permuted).accuracy[renamed] == pytest.approx(dawid_skene(votes).accuracy, abs=1e-9)


@pytest.mark.parametrize("name", sorted(CONSENSUS))
def test_no_answers_at_all_and_an_item_without_answers(name):
    empty = CONSENSUS[name](votes_of([], 3))
    assert empty.probabilities.shape == (0, 3)
    consensus = CONSENSUS[name](votes_of([[0, 0], [None, None]], 2))
    assert np.isfinite(consensus.probabilities).all()


@pytest.mark.parametrize("name", sorted(CONSENSUS))
def test_single_annotator_and_a_single_class(name):
    consensus = CONSENSUS[name](votes_of([[0], [1], [1]], 2))
    assert (consensus.probabilities.argmax(1) == [0, 1, 1]).all()
    one_class = CONSENSUS[name](votes_of([[1, 1], [1, 1]], 2))
    assert (one_class.probabilities.argmax(1) == 1).all()


def test_item_without_answers_has_the_shares_of_all_answers():
    table = [[0, 0], [1, None], [0, 0], [None, None]]
    found = majority(votes_of(table, 2))
    assert found.probabilities.tolist() == [[1, 0], [0, 1], [1, 0], [pytest.approx(0.8), pytest.approx(0.2)]]
    assert found.accuracy.tolist() == [1, 1]


def test_tie_is_not_broken_by_the_order_of_classes():
    assert majority(votes_of([[0, 1]], 2)).probabilities.tolist() == [[0.5, 0.5]]


def test_many_answers_to_one_item_do_not_underflow():
    table = [[place % 2 for place in range(1200)], [0] * 1200, [1] * 1200]
    probabilities = dawid_skene(votes_of(table, 2)).probabilities
    assert np.isfinite(probabilities).all()
    assert probabilities[1:].argmax(1).tolist() == [0, 1]


def test_two_of_three_equal_annotators_are_right_as_often_as_one_of_them_is():
    """With two classes, p p (1 - p) against p (1 - p) (1 - p): the probability of a label that one of three denies is p."""
    _, votes = simulated(np.random.default_rng(3), 4000, [0.8, 0.8, 0.8], 2)
    said = np.bincount(votes.item, votes.label, votes.items)
    probabilities = dawid_skene(votes).probabilities[:, 1]
    assert probabilities[said == 2].mean() == pytest.approx(0.8, abs=0.03)
    assert probabilities[said == 3].mean() == pytest.approx(0.8**3 / (0.8**3 + 0.2**3), abs=0.01)


def test_annotator_with_one_answer_is_neither_trusted_nor_condemned():
    """Whom others once contradicted or confirmed weighs about as much as one of the team."""
    _, votes = simulated(np.random.default_rng(4), 300, [0.9, 0.9, 0.9], 2)
    for label in (0, 1):
        item, who = np.array([300, 300, 300, 301, 301]), np.array([0, 1, 3, 0, 3])
        more = np.array([1, 1, label, 1, 0])  # the newcomer beside two of the team, then against one of them
        joined = Votes(
            np.append(votes.item, item), np.append(votes.annotator, who), np.append(votes.label, more), 302, 4, 2
        )
        assert dawid_skene(joined).probabilities[301, 1] == pytest.approx(0.5, abs=0.15)


CROWDS = {  # items, answers to each, accuracy of each annotator, classes
    "spammers": (1500, 3, [0.9] * 14 + [0.25] * 6, 4),
    "one sloppy": (30, 3, [0.9, 0.87, 0.5], 3),
    "one adversarial": (200, 5, [0.85, 0.8, 0.75, 0.7, 0.08], 3),
    "two answers": (400, 2, [0.95, 0.9, 0.85, 0.85, 0.8, 0.75, 0.7, 0.6, 0.55, 0.5], 3),
    "three answers a person": (300, 3, [0.6 + 0.38 * place / 299 for place in range(300)], 4),
    "hardly any": (4, 3, [0.9, 0.8, 0.7], 3),
}


def error_and_calibration(probabilities, truth):
    """The share right, ties shared, and the expected calibration error in ten bins."""
    top = probabilities.max(axis=1)
    is_top = np.isclose(probabilities, top[:, None])
    right = is_top[np.arange(truth.size), truth] / is_top.sum(axis=1)
    bins = np.minimum((top * 10).astype(int), 9)
    apart = np.bincount(bins, top, 10) - np.bincount(bins, right, 10)
    return right.mean(), np.abs(apart).sum() / truth.size


@pytest.mark.parametrize("name", sorted(CROWDS))
def test_dawid_skene_is_as_right_as_majority_and_its_confidence_is_truer(name):
    items, each, accuracies, classes = CROWDS[name]
    repetitions = max(4, 3000 // items)
    found = {method: [] for method in CONSENSUS}
    for seed in range(repetitions):
        truth, votes = simulated(np.random.default_rng(seed), items, accuracies, classes, each)
        for method, of in CONSENSUS.items():
            found[method].append((of(votes).probabilities, truth))
    pooled = {method: [np.concatenate(part) for part in zip(*runs, strict=True)] for method, runs in found.items()}
    (plain, plain_error), (shrunk, error) = (error_and_calibration(*pooled[method]) for method in CONSENSUS)
    say(f"{name}: {shrunk:.3f}, error {error:.3f}; majority {plain:.3f}, {plain_error:.3f}; {repetitions} repetitions")
    assert shrunk > plain - 0.005
    assert error < min(0.06, plain_error)


def test_items_are_the_same_in_whatever_portions_they_are_worked_on(monkeypatch):
    _, votes = simulated(np.random.default_rng(6), 90, [0.9, 0.8, 0.7], 3, 2)
    whole = dawid_skene(votes).probabilities
    monkeypatch.setattr("include.foundation.statistics.latent_classes.AT_ONCE", 7)
    assert dawid_skene(votes).probabilities == pytest.approx(whole, abs=1e-12)
