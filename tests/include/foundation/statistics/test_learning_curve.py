"""What more labels bring is expected by what earlier ones brought, and the interval holds what a training on them does."""

import numpy as np
import pytest

from include.foundation.statistics.estimates import share_with_interval
from include.foundation.statistics.learning_curve import Lift, expected_lifts
from tests.include.foundation.statistics.crowds import say

SCORE = share_with_interval(0.85, 800.0, 800)


def test_without_a_lift_more_labels_help_by_what_curves_in_general_do():
    few, more, most = expected_lifts([], 200, SCORE, [50, 200, 800])
    assert 0 < few.value < more.value < most.value < 0.15
    assert few.low < 0 < few.high
    assert [each.labels for each in (few, more, most)] == [50, 200, 800]


def test_lifts_that_were_measured_decide_and_more_of_them_narrow_what_is_expected():
    none = [Lift(100 * n, 100 * (n + 1), 0.0, 0.004) for n in (1, 2, 3)]
    strong = [Lift(100 * n, 100 * (n + 1), value, 0.004) for n, value in ((1, 0.06), (2, 0.03), (3, 0.02))]
    (flat,), (steep,) = (expected_lifts(lifts, 400, SCORE, [100]) for lifts in (none, strong))
    assert flat.value < 0.004
    assert steep.value > 0.009
    (one,) = expected_lifts(strong[:1], 400, SCORE, [100])
    assert steep.high - steep.low < one.high - one.low
    unsure = [Lift(lift.before, lift.after, lift.value, 0.2) for lift in strong]
    general, told = (expected_lifts(lifts, 400, SCORE, [100])[0].value for lifts in ([], unsure))
    assert told == pytest.approx(general, rel=0.4)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_model_that_is_always_right_or_wrong_has_a_finite_expectation(score):
    (found,) = expected_lifts([Lift(10, 20, 0.0, 0.01)], 20, share_with_interval(score, 30.0, 30), [10])
    assert found.low <= found.value <= found.high
    assert -0.3 < found.low < found.high < 1


def test_interval_holds_what_nine_trainings_in_ten_bring():
    """Curves, spreads and errors of measuring as the grid has them: 300 loops of four lifts."""
    held = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        slope, floor, spread = (
            generator.choice([0.1, 0.35, 0.75]),
            generator.choice([0.0, 0.6]),
            generator.choice([0.01, 0.03]),
        )

        def error(n, slope=slope, floor=floor):
            return 0.15 * (floor + (1 - floor) * (n / 500) ** -slope)

        def lift(n, generator=generator, spread=spread, error=error):
            return error(n) - error(n + 100) + generator.normal(0, spread * np.sqrt(0.15 * 0.85))

        lifts = [Lift(n, n + 100, lift(n) + generator.normal(0, 0.01), 0.01) for n in (100, 200, 300, 400)]
        (found,) = expected_lifts(lifts, 500, SCORE, [100])
        held += found.low <= lift(500) <= found.high
    say(f"{held} of 300 held")
    assert 252 <= held <= 294
