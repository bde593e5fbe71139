import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.workloads.gate_trials import (
    BUDGET,
    GATE,
    evidence,
    intervals_that_miss,
    labels_to_promote,
    looked_at_after_every_label,
    power,
    unequal_weights,
    usual_rules,
)
from benchmarks.workloads.gated_loops import life
from include.foundation.statistics.e_values import Stake, mixture_e_value


def upper_rate(what: str, wrong: int, trials: int) -> float:
    """Print a rate with its exact 95 % interval and return the upper end."""
    interval = stats.binomtest(wrong, trials).proportion_ci()
    print(f"{what}: {wrong} of {trials}, {interval.low:.4f} to {interval.high:.4f}")  # noqa: T201 - the figure is the finding
    return float(interval.high)


@pytest.mark.parametrize("kind", ["plain", "noise", "volumes", "learners"])
def test_gate_challengers_that_are_no_better_are_not_promoted_and_cost_few_labels(kind: str) -> None:
    loops = [life(GATE, kind, 5, np.random.default_rng(seed)) for seed in range(8)]
    assert sum(loop.is_ever_wrong for loop in loops) <= 1
    assert sum(loop.labels for loop in loops) / len(loops) <= 120


def test_gate_looked_at_after_every_label_keeps_the_error_budget() -> None:
    crossed = looked_at_after_every_label(100, 20)
    upper_rate("loops in which the evidence was ever reached", crossed, 100)
    assert crossed <= BUDGET * 100


def test_usual_rules_promote_what_is_no_better() -> None:
    wrong = usual_rules(60)
    assert wrong["point estimate is higher"] > 0.9 * 60
    assert wrong["McNemar p < 0.05"] > 5 * BUDGET * 60


def test_gate_finds_a_gain_with_the_labels_it_may_ask_for() -> None:
    found = power(0.04, 3, 25)
    assert found.promoted >= 24
    assert found.labels < GATE.max_labels / 2


def test_gate_worse_by_the_margin_and_unequal_weights_keeps_its_level() -> None:
    assert upper_rate("wrongly shown non-inferior", unequal_weights(600), 600) <= BUDGET


@pytest.mark.parametrize("gain", [0.02, 0.04])
def test_gate_labels_where_models_disagree_cost_a_fifth_of_random_ones(gain: float) -> None:
    costs = labels_to_promote(gain, 0.10, 60)
    print(f"+{gain:.0%}: {costs}")  # noqa: T201 - the figure is the finding
    assert costs.decided == costs.trials
    assert costs.disagreement <= costs.random / 5
    assert costs.optimal < costs.disagreement < 1.5 * costs.optimal


def test_gate_rows_where_models_agree_say_nothing() -> None:
    with_ties = mixture_e_value([Stake([1.0, 0.0, -1.0], [20, 900, 6])])
    assert with_ties == pytest.approx(math.exp(evidence(20, 6)))


def test_weighted_mean_uneven_probabilities_covers_the_truth() -> None:
    missed = intervals_that_miss(1000)
    upper_rate("intervals that miss", missed, 1000)
    assert missed <= 0.07 * 1000
