"""Labels that a model denies: the confident joint, written with loops, and who accuses nobody."""

import numpy as np

from include.foundation.statistics.label_errors import FEWEST_OF_A_CLASS, suspected_errors


def slow(labels, probabilities):
    """The same with loops: thresholds by class, then the most probable class above its own."""
    found = []
    usual = {}
    for name in range(probabilities.shape[1]):
        own = [row[name] for label, row in zip(labels, probabilities, strict=True) if label == name]
        if len(own) >= FEWEST_OF_A_CLASS:
            usual[name] = sum(own) / len(own)
    for label, row in zip(labels, probabilities, strict=True):
        sure = {name: row[name] for name, least in usual.items() if row[name] >= least - 1e-12}
        found.append(bool(sure) and max(sure, key=lambda name: sure[name]) != label)
    return found


def noisy(rows=400, wrong=0.1):
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 3, rows)
    logs = 2.5 * (generator.normal(size=(rows, 3)) + 2.5 * np.eye(3)[truth])
    probabilities = np.exp(logs - logs.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    is_wrong = generator.random(rows) < wrong
    return np.where(is_wrong, (truth + generator.integers(1, 3, rows)) % 3, truth), probabilities, is_wrong


def test_suspected_are_those_off_the_diagonal_of_the_confident_joint():
    labels, probabilities, _ = noisy()
    assert suspected_errors(labels, probabilities).tolist() == slow(labels.tolist(), probabilities)


def test_most_wrong_labels_are_suspected_and_few_right_ones():
    labels, probabilities, is_wrong = noisy()
    suspected = suspected_errors(labels, probabilities)
    assert suspected[is_wrong].mean() > 0.75
    assert suspected[~is_wrong].mean() < 0.08


def test_class_with_few_labels_accuses_nobody():
    labels = np.repeat([0, 1], [20, FEWEST_OF_A_CLASS - 1])
    probabilities = np.tile([0.05, 0.95], (labels.size, 1))
    assert not suspected_errors(labels, probabilities)[:20].any()
    assert suspected_errors(np.append(labels, 1), np.vstack([probabilities, [0.05, 0.95]]))[:20].all()


def test_model_that_always_says_the_same_accuses_only_what_it_never_says():
    labels = np.repeat([0, 1], [54, 6])
    assert suspected_errors(labels, np.tile([0.6, 0.3, 0.1], (60, 1))).tolist() == (labels == 1).tolist()


def test_no_labels():
    assert suspected_errors(np.array([], dtype=np.int64), np.zeros((0, 3))).tolist() == []
