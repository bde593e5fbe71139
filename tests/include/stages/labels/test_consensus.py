"""Consensus and agreement: anchors, invariances, degenerate cases and an independent recomputation."""

import itertools

import numpy as np
import pytest

from include.stages.labels.agreement import krippendorff_alpha, krippendorff_at_most
from include.stages.labels.consensus import CONSENSUS, Votes, consensus_of, dawid_skene, majority
from tests.builders import make_tiny_loop


def votes_of(table, classes):
    """Votes of a table with one row an item and one column an annotator; None is no answer."""
    rows = [(i, a, label) for i, row in enumerate(table) for a, label in enumerate(row) if label is not None]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, annotator, label, items=len(table), annotators=len(table[0]) if table else 0, classes=classes)


def simulated(generator, items, accuracies, classes):
    truth = generator.integers(0, classes, items)
    table = []
    for true in truth:
        wrong = [c for c in range(classes) if c != true]
        table.append(
            [
                true if generator.uniform() < accuracy else wrong[generator.integers(classes - 1)]
                for accuracy in accuracies
            ]
        )
    return truth, votes_of(table, classes)


def slow_dawid_skene(votes, rounds=200):
    """The same model written with loops over answers: an independent recomputation."""
    answers = list(zip(votes.item.tolist(), votes.annotator.tolist(), votes.label.tolist(), strict=True))
    posterior = majority(votes).probabilities.copy()
    for _ in range(rounds):
        prevalence = (posterior.sum(0) + 1) / (votes.items + votes.classes)
        counts = np.zeros((votes.annotators, votes.classes, votes.classes))  # annotator, true, answered
        for i, a, label in answers:
            counts[a, :, label] += posterior[i]
        confusion = np.zeros_like(counts)
        for a in range(votes.annotators):
            accuracy = (np.trace(counts[a]) + 1) / (counts[a].sum() + 2)
            for true in range(votes.classes):
                for answered in range(votes.classes):
                    prior = accuracy if answered == true else (1 - accuracy) / (votes.classes - 1)
                    confusion[a, true, answered] = counts[a, true, answered] + prior
                confusion[a, true] /= confusion[a, true].sum()
        new = np.tile(prevalence, (votes.items, 1))
        for i, a, label in answers:
            new[i] *= confusion[a, :, label]
        new /= new.sum(1, keepdims=True)
        moved, posterior = np.abs(new - posterior).max(), new
        if moved < 1e-6:
            break
    return posterior


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


def slow_alpha(table):
    """Alpha from its definition over pairs of answers."""
    rows = [[value for value in row if value is not None] for row in table]
    rows = [row for row in rows if len(row) > 1]
    values = [value for row in rows for value in row]
    observed = sum(sum(a != b for a, b in itertools.permutations(row, 2)) / (len(row) - 1) for row in rows) / len(
        values
    )
    expected = sum(a != b for a, b in itertools.permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / expected


def test_alpha_of_krippendorffs_own_example():
    """Krippendorff (2011), example C: four observers, twelve units, missing answers, nominal: alpha = 0.743."""
    table = list(
        zip(
            [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
            [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
            strict=True,
        )
    )
    alpha = krippendorff_alpha(votes_of([[None if v is None else v - 1 for v in row] for row in table], 5))
    assert alpha == pytest.approx(0.743, abs=5e-4)
    assert alpha == pytest.approx(slow_alpha(table))


def test_alpha_is_one_for_agreement_about_zero_for_chance_and_undefined_without_pairs():
    assert krippendorff_alpha(votes_of([[0, 0], [1, 1]], 2)) == 1
    generator = np.random.default_rng(0)
    assert krippendorff_alpha(votes_of(generator.integers(0, 3, (3000, 3)).tolist(), 3)) == pytest.approx(0, abs=0.03)
    assert krippendorff_alpha(votes_of([[0, None], [None, 1]], 2)) is None
    assert krippendorff_alpha(votes_of([[0, 0], [0, 0]], 2)) is None
    assert krippendorff_alpha(votes_of([], 2)) is None


def slow_upper_end(table, classes):
    """Alpha plus its jackknife error times the quantile of t, with one more item of agreement, written with loops."""
    from scipy import stats

    def alpha(rows):
        return krippendorff_alpha(votes_of(rows, classes)) if rows else None

    def end(rows):
        left_out = [alpha(rows[:place] + rows[place + 1 :]) for place in range(len(rows))]
        left_out = [1.0 if value is None else value for value in left_out]
        mean, n = sum(left_out) / len(left_out), len(left_out)
        error = ((n - 1) / n * sum((value - mean) ** 2 for value in left_out)) ** 0.5
        return alpha(rows) + stats.t.ppf(0.95, n - 1) * error

    said = {value for row in table for value in row}
    return min(1.0, max(end([*table, [name] * len(table[0])]) for name in said))


@pytest.mark.parametrize("seed", range(4))
def test_upper_end_of_alpha_equals_an_independent_recomputation(seed):
    generator = np.random.default_rng(seed)
    table = generator.integers(0, 3, (9, 3)).tolist()
    expected = (slow_alpha(table), slow_upper_end(table, 3))
    assert krippendorff_at_most(votes_of(table, 3)) == pytest.approx(expected)


def test_upper_end_of_alpha_where_little_or_nothing_is_known():
    assert krippendorff_at_most(votes_of([], 2)) is None
    assert krippendorff_at_most(votes_of([[0, 0], [0, 0]], 2)) is None
    assert krippendorff_at_most(votes_of([[0, 1]], 2)) == (0.0, 1.0)
    assert krippendorff_at_most(votes_of([[0, 0], [1, 1], [0, 0]], 2)) == (1.0, 1.0)
    assert krippendorff_at_most(votes_of([[0, 1, 2]] * 5, 3)) == pytest.approx((-0.4, 0.178), abs=5e-4)


@pytest.mark.parametrize(("items", "shares"), [(2, [1 / 3] * 3), (5, [0.5, 0.5]), (30, [0.9, 0.1])])
def test_answers_by_chance_are_rarely_shown_to_be_worse_than_chance(items, shares):
    generator, shown = np.random.default_rng(0), 0
    for _ in range(400):
        table = generator.choice(len(shares), (items, 3), p=shares).tolist()
        _, high = krippendorff_at_most(votes_of(table, len(shares))) or (None, 1.0)
        shown += high < 0
    assert shown / 400 < 0.05


def test_upper_end_of_alpha_covers_the_truth_as_often_as_it_says():
    """Two people who are right with probability 0.85, of three classes; 25 items; 95 % is promised."""
    generator, covered = np.random.default_rng(0), 0
    _, many = simulated(generator, 20_000, [0.85, 0.85], 3)
    truth = krippendorff_alpha(many)
    for _ in range(300):
        _, votes = simulated(generator, 25, [0.85, 0.85], 3)
        _, high = krippendorff_at_most(votes) or (None, 1.0)
        covered += high >= truth
    assert covered / 300 > 0.9


@pytest.mark.parametrize(("overlap", "configured", "used"), [(1, "dawid_skene", "majority"), (2, "dawid_skene", "dawid_skene"),
                                                             (2, "majority", "majority")])  # fmt: skip
def test_consensus_that_decides(overlap, configured, used):
    loop = make_tiny_loop(["a", "b"], labeling={"overlap": overlap}, labels={"consensus": configured})
    assert consensus_of(loop) == used


def test_many_answers_to_one_item_do_not_underflow():
    table = [[place % 2 for place in range(1200)], [0] * 1200, [1] * 1200]
    probabilities = dawid_skene(votes_of(table, 2)).probabilities
    assert np.isfinite(probabilities).all()
    assert probabilities[1:].argmax(1).tolist() == [0, 1]
