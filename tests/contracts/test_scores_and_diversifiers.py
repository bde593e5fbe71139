"""What every score and every diversifier promises, whichever the loop file names."""

from typing import get_args, get_type_hints

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import normalize

from include.foundation.config.selection_section import Selection
from include.foundation.errors import ContractError
from include.stages.selection.diversity import DIVERSIFIERS, NEAR_DUPLICATE
from include.stages.selection.uncertainty_scores import SCORES, informativeness

every_score = pytest.mark.parametrize("name", sorted(SCORES))
every_diversifier = pytest.mark.parametrize("name", sorted(DIVERSIFIERS))


@st.composite
def probability_tables(draw: st.DrawFn, slack: float = 0.0) -> NDArray[np.float64]:
    shape = (draw(st.integers(1, 8)), draw(st.integers(2, 6)))
    weights: NDArray[np.float64] = draw(arrays(np.float64, shape, elements=st.floats(0.0009765625, 1)))
    sums = draw(arrays(np.float64, (shape[0], 1), elements=st.floats(1 - slack, 1 + slack)))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True) * sums)


def rows_for_choice(count: int, seed: int = 0, width: int = 12) -> tuple[NDArray[np.float64], sparse.csr_matrix]:
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, width))
    return random.random(count), sparse.csr_matrix(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def test_registries_hold_exactly_what_the_loop_file_may_name():
    hints = get_type_hints(Selection)
    assert set(get_args(hints["score"])) == set(SCORES)
    assert set(get_args(hints["diversify"])) == set(DIVERSIFIERS)


@every_score
@settings(deadline=None)
@given(probabilities=probability_tables(slack=0.009))
def test_score_of_probabilities_is_between_0_and_1(name, probabilities):
    scores = informativeness(name, probabilities)
    assert scores.shape == (len(probabilities),)
    assert ((scores >= 0) & (scores <= 1)).all()


@every_score
@settings(deadline=None)
@given(classes=st.integers(2, 30))
def test_score_of_a_certain_row_is_0_and_of_a_uniform_row_1(name, classes):
    rows = np.array([np.eye(classes)[0], np.full(classes, 1 / classes)])
    assert informativeness(name, rows) == pytest.approx([0, 1])


@every_score
@settings(deadline=None)
@given(sureness=st.lists(st.floats(0.5, 1), min_size=2, max_size=6, unique=True))
def test_score_of_two_classes_falls_as_the_model_gets_surer(name, sureness):
    sure = np.sort(sureness)
    scores = informativeness(name, np.column_stack([sure, 1 - sure]))
    assert (np.diff(scores) <= 1e-12).all()
    assert scores[-1] < scores[0] or sure[-1] - sure[0] < 1e-6


@every_score
@settings(deadline=None)
@given(classes=st.integers(2, 9), steps=st.integers(2, 9))
def test_score_falls_on_the_way_from_uniform_to_certain(name, classes, steps):
    shares = np.linspace(0, 1, steps)[:, None]
    rows = shares * np.eye(classes)[0] + (1 - shares) / classes
    assert (np.diff(informativeness(name, rows)) < 0).all()


@every_score
@settings(deadline=None)
@given(probabilities=probability_tables(), data=st.data())
def test_score_does_not_depend_on_the_order_of_classes_or_rows(name, probabilities, data):
    classes = data.draw(st.permutations(range(probabilities.shape[1])))
    rows = data.draw(st.permutations(range(len(probabilities))))
    scores = informativeness(name, probabilities)
    assert informativeness(name, probabilities[:, classes]) == pytest.approx(scores)
    assert np.array_equal(informativeness(name, probabilities[rows]), scores[rows])


@every_score
def test_score_of_a_row_without_probabilities_is_nan_and_leaves_the_others_alone(name):
    rows = np.array([[0.6, 0.4], [np.nan, np.nan], [0.9, np.nan]])
    scores = informativeness(name, rows)
    assert np.isnan(scores).tolist() == [False, True, True]
    assert scores[0] == informativeness(name, rows[:1])[0]


@every_score
def test_score_of_no_known_row_is_nan_and_of_no_row_empty(name):
    assert np.isnan(informativeness(name, np.full((2, 3), np.nan))).all()
    assert informativeness(name, np.empty((0, 3))).size == 0


@every_score
@pytest.mark.parametrize("row", [[0.5, 0.4], [0.7, 0.7], [0.0, 0.0], [np.inf, 0.0]])
def test_score_of_a_row_that_does_not_sum_to_one_is_refused(name, row):
    with pytest.raises(ContractError, match="expected 1 in every row"):
        informativeness(name, np.array([[0.5, 0.5], row]))


@every_score
def test_score_of_a_negative_probability_is_refused(name):
    with pytest.raises(ContractError, match=r"-0\.2"):
        informativeness(name, np.array([[1.2, -0.2]]))


@every_score
@settings(deadline=None)
@given(probabilities=probability_tables(), rounding=st.floats(0.992, 1.008))
def test_score_does_not_depend_on_what_rounding_did_to_the_sum(name, probabilities, rounding):
    assert informativeness(name, probabilities * rounding) == pytest.approx(informativeness(name, probabilities))


@every_score
def test_score_does_not_change_what_it_is_given(name):
    rows = np.array([[0.501, 0.5], [0.9, 0.1]])
    before = rows.copy()
    informativeness(name, rows)
    assert np.array_equal(rows, before)


@every_diversifier
@settings(deadline=None, max_examples=25)
@given(count=st.integers(0, 30), n=st.integers(0, 12), seed=st.integers(0, 5))
def test_diversifier_chooses_at_most_n_places_once_each_best_first(name, count, n, seed):
    scores, features = rows_for_choice(count, seed)
    chosen = DIVERSIFIERS[name](scores, features, n, seed)
    assert chosen.dtype == np.int64
    assert len(set(chosen.tolist())) == chosen.size <= min(n, count)
    assert set(chosen.tolist()) <= set(range(count))
    assert (np.diff(scores[chosen]) <= 0).all()


@every_diversifier
def test_diversifier_fills_the_budget_from_rows_that_differ(name):
    scores, features = rows_for_choice(60)
    assert DIVERSIFIERS[name](scores, features, 20, 0).size == 20


@every_diversifier
def test_diversifier_takes_the_most_informative_row_when_one_is_wanted(name):
    scores, features = rows_for_choice(40)
    assert DIVERSIFIERS[name](scores, features, 1, 0).tolist() == [scores.argmax()]


@every_diversifier
def test_diversifier_never_takes_two_near_duplicates(name):
    scores, features = rows_for_choice(20)
    noise = np.random.default_rng(1).normal(scale=0.005, size=(60, 12))
    copied = sparse.csr_matrix(normalize(np.tile(features.toarray(), (3, 1)) + noise))
    chosen = DIVERSIFIERS[name](np.tile(scores, 3), copied, 30, 0)
    similar = (copied[chosen] @ copied[chosen].T).toarray()
    assert similar[~np.eye(chosen.size, dtype=bool)].max() < NEAR_DUPLICATE
    assert chosen.size == 20


@every_diversifier
def test_diversifier_fills_the_budget_although_the_best_rows_are_all_alike(name):
    scores, features = rows_for_choice(60)
    same = sparse.csr_matrix(np.tile(features[0].toarray(), (100, 1)))
    chosen = DIVERSIFIERS[name](
        np.concatenate([scores, np.full(100, 2.0)]), sparse.vstack([features, same]).tocsr(), 8, 0
    )
    assert chosen.size == 8


@every_diversifier
def test_diversifier_takes_one_of_rows_that_are_all_alike(name):
    features = sparse.csr_matrix(np.tile([[0.6, 0.8]], (12, 1)))
    assert DIVERSIFIERS[name](np.linspace(0, 1, 12), features, 4, 0).tolist() == [11]


@every_diversifier
def test_diversifier_with_the_same_seed_chooses_the_same(name):
    scores, features = rows_for_choice(50)
    chosen = [DIVERSIFIERS[name](scores, features, 8, 3).tolist() for _ in range(2)]
    assert chosen[0] == chosen[1]


@every_diversifier
def test_diversifier_does_not_depend_on_the_order_of_rows_when_one_group_is_one_cluster(name):
    middles = np.repeat(np.eye(4), 5, axis=0)
    random = np.random.default_rng(0)
    features = sparse.csr_matrix(normalize(middles + 0.2 * random.random((20, 4))))
    scores, order = random.random(20), random.permutation(20)
    plain = DIVERSIFIERS[name](scores, features, 1, 0)
    shuffled = order[DIVERSIFIERS[name](scores[order], features[order], 1, 0)]
    assert plain.tolist() == shuffled.tolist()


def test_clusters_take_a_row_of_every_group_where_scores_alone_would_take_one_group():
    groups = np.repeat(np.arange(4), 3)
    spread = np.random.default_rng(0).normal(scale=0.2, size=(12, 16))
    features = sparse.csr_matrix(normalize(np.eye(4)[groups] @ np.eye(4, 16) * 2 + spread))
    scores = 0.9 - 0.1 * groups + np.linspace(0, 0.05, 12)
    assert len(set(groups[DIVERSIFIERS["clusters"](scores, features, 4, 0)])) == 4
    assert len(set(groups[DIVERSIFIERS["none"](scores, features, 3, 0)])) == 1
