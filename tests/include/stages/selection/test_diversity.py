"""The best rows are taken best first, without near duplicates; clusters spread them."""

import numpy as np
import pytest
from scipy import sparse

from include.stages.selection.diversity import DIVERSIFIERS, OVERSAMPLE, best_first, clusters


def directions(*degrees):
    angles = np.radians(degrees)
    return sparse.csr_matrix(np.column_stack([np.cos(angles), np.sin(angles)]))


def test_best_rows_come_best_first():
    scores = np.array([0.1, 0.9, 0.5, 0.7])
    assert best_first(scores, directions(0, 40, 80, 120), 3, 0).tolist() == [1, 3, 2]
    assert best_first(scores, directions(0, 40, 80, 120), 9, 0).tolist() == [1, 3, 2, 0]


@pytest.mark.parametrize(("apart", "chosen"), [(18.0, [0]), (18.4, [0, 1])])
def test_rows_are_near_duplicates_from_a_cosine_of_095(apart, chosen):
    assert best_first(np.array([0.9, 0.8]), directions(0, apart), 2, 0).tolist() == chosen


@pytest.mark.parametrize("name", DIVERSIFIERS)
def test_nothing_is_chosen_of_none(name):
    assert DIVERSIFIERS[name](np.array([0.5, 0.6]), directions(0, 90), 0, 0).tolist() == []


def test_clusters_are_each_asked_about_once_by_the_row_in_their_middle_which_is_nearer_to_unsure_rows():
    near = [0, 30, 2, 32, 4, 34]  # within a cluster, and 30 degrees from it
    scores = np.array([0.9, 0.3, 0.8, 0.2, 0.7, 0.1])
    spread = directions(*near)
    assert clusters(scores, spread, 2, 0).tolist() == [2, 1]
    assert best_first(scores, directions(0, 120, 20, 140, 40, 160), 2, 0).tolist() == [0, 2]
    assert clusters(scores, directions(0, 120, 20, 140, 40, 160), 2, 0).tolist() == [2, 1]


def test_clusters_are_made_of_the_best_rows_only():
    n, rest = 2, 4
    scores = np.linspace(1, 0, OVERSAMPLE * n + rest)
    degrees = [*np.linspace(0, 2, OVERSAMPLE * n - 1), 60, *[150] * rest]
    assert OVERSAMPLE == 3
    first, second = clusters(scores, directions(*degrees), n, 0).tolist()
    assert first < second == OVERSAMPLE * n - 1


def test_rows_behind_the_best_fill_up_what_near_duplicates_leave():
    scores = np.linspace(1, 0, 12)
    degrees = [0.0] * 10 + [60, 120]
    assert clusters(scores, directions(*degrees), 2, 0).tolist() == [0, 10]
