"""Scores of known probabilities, by hand; what are no probabilities is refused, within a tolerance."""

import numpy as np
import pytest

from include.foundation.errors import ContractError
from include.stages.selection.uncertainty_scores import SCORES, informativeness

NONE = [np.nan] * 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("margin", [1.0, 0.0, 0.5, 0.75]),
        ("least_confidence", [1.0, 0.0, 0.375, 0.75]),
        ("entropy", [1.0, 0.0, 0.51186, 0.94639]),
    ],
)
def test_scores_are_those_of_the_textbook(name, expected):
    rows = np.array([[1 / 3] * 3, [0, 1, 0], [0.75, 0.25, 0], [0.5, 0.25, 0.25]])
    assert informativeness(name, rows) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", SCORES)
def test_row_without_probabilities_has_no_score_and_spoils_no_other(name):
    found = informativeness(name, np.array([NONE, [0, 1, 0], [1 / 3] * 3]))
    assert np.isnan(found).tolist() == [True, False, False]
    assert found[1:] == pytest.approx([0, 1])
    assert np.isnan(informativeness(name, np.array([NONE]))).all()


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("total", [0.991, 1.009])
def test_rows_that_sum_to_one_but_for_rounding_score_as_if_they_did(name, total):
    row = np.array([[0.5, 0.3, 0.2]])
    assert informativeness(name, row * total) == pytest.approx(informativeness(name, row))


@pytest.mark.parametrize("total", [0.989, 1.011])
def test_rows_that_do_not_sum_to_one_are_refused(total):
    with pytest.raises(ContractError, match=f"sum to {total:.3f}"):
        informativeness("margin", np.array([[0.5, 0.3, 0.2], [total, 0, 0]]))


def test_negative_probability_is_refused_and_zero_is_none():
    with pytest.raises(ContractError, match=r"probability of -0\.2"):
        informativeness("entropy", np.array([[1.2, -0.2, 0.0]]))
    assert informativeness("entropy", np.array([[1.0, 0.0, 0.0]])).tolist() == [0.0]
