import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from include.foundation.errors import ContractError
from include.foundation.statistics.estimates import (
    UNKNOWN,
    Estimate,
    design_weights,
    effective_rows,
    weighted_difference,
    weighted_mean,
)
from tests.include.foundation.statistics.crowds import say

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 1)), min_size=1, max_size=40)
MEASURES = [weighted_mean, weighted_difference]


def test_weighted_mean_equal_weights_is_the_mean_with_the_exact_interval() -> None:
    found = weighted_mean([1.0] * 30 + [0.0] * 10, [0.25] * 40)
    exact = stats.binomtest(30, 40).proportion_ci(method="exact")
    assert found.value == pytest.approx(0.75)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.rows == 40
    assert found.effective_rows == pytest.approx(40)


def test_weighted_mean_unequal_weights_counts_rows_for_those_they_stand_for() -> None:
    found = weighted_mean([1.0, 0.0], [0.5, 0.1])
    assert found.value == pytest.approx(2 / 12)
    assert found.effective_rows == pytest.approx(144 / 104)


@pytest.mark.parametrize("measure", MEASURES)
def test_estimate_no_rows_is_unknown(measure) -> None:
    found = measure([], [])
    assert found == UNKNOWN == Estimate(None, None, None, rows=0, effective_rows=0.0)
    assert str(found) == "unknown (no rows)"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_weighted_mean_one_row_has_a_wide_interval(value: float) -> None:
    found = weighted_mean([value], [1.0])
    assert found.value == value
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low > 0.75


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.1, math.nan])
@pytest.mark.parametrize("measure", MEASURES)
def test_estimate_impossible_probability_is_refused(measure, probability: float) -> None:
    with pytest.raises(ContractError, match="inclusion probability"):
        measure([1.0], [probability])


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.001, -1.001])
@pytest.mark.parametrize("measure", MEASURES)
def test_estimate_impossible_score_is_refused(measure, value: float) -> None:
    with pytest.raises(ContractError, match="NaN or outside"):
        measure([0.5, value], [1.0, 1.0])


def test_weighted_mean_below_nothing_is_refused_where_a_difference_may_be() -> None:
    with pytest.raises(ContractError, match="outside 0 to 1"):
        weighted_mean([-0.5], [1.0])
    assert weighted_difference([-0.5], [1.0]).value == -0.5


def test_weighted_mean_all_right_or_wrong_ends_where_the_exact_test_does() -> None:
    """With n of n right, the lower end is where p to the n is 2.5 %."""
    assert weighted_mean([1.0] * 50, [0.1] * 50).low == pytest.approx(0.025 ** (1 / 50))
    assert weighted_mean([0.0] * 50, [0.1] * 50).high == pytest.approx(1 - 0.025 ** (1 / 50))


@pytest.mark.parametrize("spread", [1, 1000])
@pytest.mark.parametrize("rows", [20, 50, 400])
@pytest.mark.parametrize("truth", [0.5, 0.8, 0.95, 0.99])
def test_weighted_mean_covers_the_truth_as_often_as_it_says(truth: float, rows: int, spread: float) -> None:
    """Also near 1, with few rows, and with days whose rows stand for up to a thousand times as many."""
    generator, covered, repetitions = np.random.default_rng(0), 0, 400
    for _ in range(repetitions):
        days = np.repeat(spread ** -generator.random(max(2, rows // 10)), 10)
        chances = np.resize(days, rows)
        found = weighted_mean(generator.random(rows) < truth, chances)
        covered += found.low <= truth <= found.high
    say(f"{truth} of {rows} rows, weights up to {spread}: {covered} of {repetitions} covered")
    assert covered >= stats.binom.ppf(0.001, repetitions, 0.95)


@pytest.mark.parametrize("measure", MEASURES)
def test_estimate_lengths_that_differ_are_refused(measure) -> None:
    with pytest.raises(ContractError, match="expected as many of both"):
        measure([1.0, 0.0], [1.0])


def test_weighted_difference_never_differs_still_has_width() -> None:
    found = weighted_difference([0.0] * 20, [1.0] * 20)
    assert found.value == 0
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.01 < 0.01 < found.high


def test_weighted_difference_equal_weights_has_the_interval_of_agresti_and_min() -> None:
    """Agresti & Min (2005): the plain Wald interval after half a win, half a loss and one tie were added."""
    wins, losses, ties = 10 + 0.5, 4 + 0.5, 6 + 1
    rows = wins + losses + ties
    centre = (wins - losses) / rows
    half = stats.norm.ppf(0.975) * math.sqrt(((wins + losses) / rows - centre**2) / rows)
    estimate = weighted_difference([1] * 10 + [-1] * 4 + [0] * 6, [0.5] * 20)
    assert estimate.value == pytest.approx(6 / 20)
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half))


def test_weighted_difference_more_rows_has_a_narrower_interval() -> None:
    few, many = (weighted_difference([1, 0, 0, -1, 1] * n, [0.3] * 5 * n) for n in (2, 200))
    assert few.value == pytest.approx(many.value)
    assert few.low < many.low < many.high < few.high


def test_estimate_json_and_back_is_the_same() -> None:
    for found in (weighted_mean([1, 0, 1], [0.1, 0.2, 0.3]), UNKNOWN):
        assert Estimate.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("measure", MEASURES)
@given(pairs=PAIRS)
def test_estimate_any_rows_lies_in_its_interval_within_bounds(measure, pairs: list[tuple[float, float]]) -> None:
    found = measure(*zip(*pairs, strict=True))
    assert found.value - found.low >= -1e-9
    assert found.value <= found.high + 1e-9
    assert (-1 if measure is weighted_difference else 0) <= found.low <= found.high <= 1


@pytest.mark.parametrize("measure", MEASURES)
@given(pairs=PAIRS, scale=st.floats(0.01, 1), data=st.data())
def test_estimate_scaled_weights_and_shuffled_rows_is_unchanged(measure, pairs, scale, data) -> None:
    values, chances = (np.array(part) for part in zip(*pairs, strict=True))
    order = data.draw(st.permutations(range(len(pairs))))
    one, other = measure(values, chances), measure(values[order], (chances * scale)[order])
    for name in ("value", "low", "high", "effective_rows"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-6)


@given(pairs=PAIRS)
def test_effective_rows_any_weights_is_between_one_and_their_number(pairs: list[tuple[float, float]]) -> None:
    weights = np.array([1 / chance for _, chance in pairs])
    assert 1 - 1e-9 <= effective_rows(weights) <= len(pairs) + 1e-9


def test_design_weights_are_how_many_rows_each_stands_for() -> None:
    assert design_weights([0.5, 0.1, 1.0]).tolist() == [2.0, 10.0, 1.0]
    assert design_weights([]).shape == (0,)


@pytest.mark.parametrize("probability", [0.0, -0.1, 1.01, math.nan])
def test_design_weights_of_what_is_no_inclusion_probability_are_refused(probability: float) -> None:
    with pytest.raises(ContractError, match="outside 0 to 1"):
        design_weights([0.5, probability])
