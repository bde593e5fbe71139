"""Agreement and the choice of a consensus: anchors, degenerate cases and independent recomputations."""

import itertools

import numpy as np
import pytest

from include.foundation.statistics.agreement import (
    agreement_by_class,
    agreement_by_pair,
    krippendorff_alpha,
    krippendorff_at_most,
    krippendorff_interval,
)
from include.stages.labels.consensus import consensus_of
from tests.builders import make_tiny_loop
from tests.include.foundation.statistics.crowds import simulated, votes_of


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


def test_interval_of_alpha_covers_it():
    many = krippendorff_alpha(simulated(np.random.default_rng(9), 40_000, [0.8, 0.8, 0.8], 3)[1])
    covered = 0
    for seed in range(150):
        found = krippendorff_interval(simulated(np.random.default_rng(seed), 60, [0.8, 0.8, 0.8], 3)[1])
        covered += found.low <= many <= found.high
    assert 0.9 < covered / 150 < 0.99


def test_interval_of_alpha_is_the_value_and_around_it_and_repeats():
    _, votes = simulated(np.random.default_rng(1), 50, [0.9, 0.8, 0.7], 3)
    found = krippendorff_interval(votes)
    assert found.value == krippendorff_alpha(votes)
    assert found.low < found.value < found.high
    assert krippendorff_interval(votes) == found
    assert krippendorff_interval(votes_of([[0, None]], 2)).value is None


def test_alpha_by_class_is_that_of_yes_or_no():
    _, votes = simulated(np.random.default_rng(2), 200, [0.9, 0.8, 0.7], 3)
    table = [[None] * 3 for _ in range(200)]
    for item, who, label in zip(votes.item, votes.annotator, votes.label, strict=True):
        table[item][who] = int(label == 2)
    assert agreement_by_class(votes)[2].value == pytest.approx(slow_alpha(table))
    few = votes_of([[0, 0], [0, 1], *[[0, 0]] * 20], 2)
    assert [each.value is None for each in agreement_by_class(few)] == [False, True]


def test_alpha_by_pair_is_that_of_the_two_on_what_both_answered():
    table = [[n % 2, n % 2 if n % 5 else 1 - n % 2, None if n < 25 else 0] for n in range(30)]
    pairs = agreement_by_pair(votes_of(table, 2))
    assert set(pairs) == {(0, 1)}  # the third shares five items with each
    assert pairs[0, 1].value == pytest.approx(slow_alpha([row[:2] for row in table]))
