"""Intervals by group: rows of one document say less than as many strangers."""

import numpy as np
import pytest

from include.foundation.statistics.clusters import clustered_rows
from include.foundation.statistics.estimates import weighted_difference, weighted_mean

ROWS, SIZE, LOOPS = 300, 10, 400


def documents(generator, groups=ROWS // SIZE):
    """Return scores of documents that a model knows well or hardly, 0.7 in the mean, and which document each row is of."""
    chances = generator.beta(1.4, 0.6, groups)
    return (generator.random((groups, SIZE)) < chances[:, None]).ravel().astype(float), np.repeat(
        np.arange(groups), SIZE
    )


def test_intervals_by_group_cover_what_other_documents_show_and_intervals_by_row_do_not():
    generator, covered = np.random.default_rng(1), {True: 0, False: 0}
    for _ in range(LOOPS):
        scores, names = documents(generator)
        for is_grouped in covered:
            groups = [f"d{name}" for name in names] if is_grouped else None
            found = weighted_mean(scores, np.full(ROWS, 0.1), groups=groups)
            covered[is_grouped] += found.low <= 0.7 <= found.high
    assert 0.93 * LOOPS <= covered[True] <= 0.99 * LOOPS
    assert covered[False] < 0.75 * LOOPS


SKEWED = {"few": (0.5, 0.3), "skewed": (0.7, 1.0), "large": (1.8, 0.5)}  # sizes: mean and deviation of the logarithm


@pytest.mark.parametrize("count", [5, 25, 60])
@pytest.mark.parametrize("sizes", SKEWED)
def test_intervals_cover_whatever_the_sizes_of_groups_and_how_much_they_differ(count, sizes):
    """A group is all right, all wrong, or anything between; the model is right on 80 to 97 % of rows."""
    generator, loops, missed = np.random.default_rng([count, len(sizes)]), 200, {}
    for alike in (0.3, 0.7, 0.98):
        for truth in (0.8, 0.9, 0.97):
            odds = (1 - alike) / alike
            chances = generator.beta(truth * odds, (1 - truth) * odds, (loops, count))
            rows = np.maximum(1, generator.lognormal(*SKEWED[sizes], (loops, count))).astype(int)
            for chance, size in zip(chances, rows, strict=True):
                names = np.repeat(np.arange(count), size)
                scores = (generator.random(names.size) < chance[names]).astype(float)
                found = weighted_mean(scores, np.full(names.size, 0.1), groups=[f"d{name}" for name in names])
                missed[alike, truth] = missed.get((alike, truth), 0) + (not found.low <= truth <= found.high)
    assert max(missed.values()) <= 0.085 * loops  # chance alone exceeds it at 95 % in one of fifty cells


def test_groups_of_one_row_are_no_groups():
    generator = np.random.default_rng(2)
    scores, weights = (generator.random(200) < 0.8).astype(float), np.full(200, 0.5)
    alone, grouped = (
        weighted_mean(scores, weights),
        weighted_mean(scores, weights, groups=[f"d{n}" for n in range(200)]),
    )
    assert grouped.effective_rows == pytest.approx(alone.effective_rows, rel=0.03)
    assert weighted_mean(scores, weights, groups=[None] * 200) == alone


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rows_that_are_all_right_count_by_their_groups(value):
    found = weighted_mean(np.full(100, value), np.ones(100), groups=[f"d{n // 50}" for n in range(100)])
    assert found.effective_rows == pytest.approx(2)
    assert found.high - found.low > 0.7


def test_a_single_group_says_as_much_as_one_row():
    rows = np.array([0.0, 1.0, 1.0])
    assert clustered_rows(rows, np.ones(3), ["d"] * 3, 3.0) == pytest.approx(1)


def test_rows_of_groups_never_count_for_more_than_they_are():
    opposite = np.array([0.0, 1.0] * 50)
    assert clustered_rows(opposite, np.ones(100), [n // 2 for n in range(100)], 100.0) <= 100


def test_differences_have_intervals_by_group_too():
    generator = np.random.default_rng(3)
    scores, names = documents(generator)
    rows, groups = (
        weighted_difference(scores, np.full(ROWS, 0.1), groups=which) for which in (None, [f"d{n}" for n in names])
    )
    assert rows.value == groups.value
    assert groups.high - groups.low > 1.3 * (rows.high - rows.low)
