import math

import pytest
from scipy import stats

from benchmarks.gate_error import (
    BUDGET,
    equal_models,
    evidence,
    intervals_that_miss,
    labels_to_promote,
    unequal_weights,
)
from include.foundation.statistics.e_values import Stake, mixture_e_value


def upper_rate(what: str, wrong: int, trials: int) -> float:
    """Print a rate with its exact 95 % interval and return the upper end."""
    interval = stats.binomtest(wrong, trials).proportion_ci()
    print(f"{what}: {wrong} of {trials}, {interval.low:.4f} to {interval.high:.4f}")  # noqa: T201 - the figure is the finding
    return float(interval.high)


def test_gate_equal_models_over_twenty_cycles_keeps_the_error_budget() -> None:
    wrong = equal_models(600)
    assert upper_rate("loops with a wrong promotion", wrong["gate"], 600) <= BUDGET
    assert wrong["point estimate is higher"] > 0.9 * 600
    assert wrong["McNemar p < 0.05"] > 5 * BUDGET * 600


def test_gate_worse_by_the_margin_and_unequal_weights_keeps_its_level() -> None:
    assert upper_rate("wrongly shown non-inferior", unequal_weights(600), 600) <= BUDGET


@pytest.mark.parametrize("gain", [0.02, 0.04])
def test_gate_labels_where_models_disagree_cost_a_fifth_of_random_ones(gain: float) -> None:
    costs = labels_to_promote(gain, 0.10, 120)
    print(f"+{gain:.0%}: {costs}")  # noqa: T201 - the figure is the finding
    assert costs.decided == costs.trials
    assert costs.disagreement <= costs.random / 5


def test_gate_rows_where_models_agree_say_nothing() -> None:
    with_ties = mixture_e_value([Stake([1.0, 0.0, -1.0], [20, 900, 6])])
    assert with_ties == pytest.approx(math.exp(evidence(20, 6)))


def test_weighted_mean_uneven_probabilities_covers_the_truth() -> None:
    missed = intervals_that_miss(1000)
    upper_rate("intervals that miss", missed, 1000)
    assert missed <= 0.07 * 1000
