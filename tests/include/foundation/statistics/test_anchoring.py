"""How much people follow a shown pre-label: an anchor by hand, chances that changed, few requests, and coverage."""

import numpy as np
import pytest

from benchmarks.anchoring import Asked, answers, difference
from include.foundation.statistics.anchoring import FEWEST_SHOWN_AND_HIDDEN, followed
from include.foundation.statistics.estimates import UNKNOWN
from tests.include.foundation.statistics.crowds import say


def independent(shown, hidden):
    """One answer to each request: so many of so many are the pre-label, shown and hidden, with even chances."""
    gave = np.concatenate([np.arange(among) < times for times, among in (shown, hidden)])
    is_shown = np.repeat([True, False], [shown[1], hidden[1]])
    return followed(gave, is_shown, np.full(gave.size, 0.5), np.arange(gave.size))


def test_difference_and_interval_are_newcombes():
    """Newcombe (1998), example (a), method 10: 56/70 - 48/80, 0.0524 to 0.3339; quantiles of t make it wider."""
    found = independent((56, 70), (48, 80))
    assert found.difference.value == pytest.approx(0.2)
    assert found.difference.low == pytest.approx(0.0524, abs=0.004)
    assert found.difference.high == pytest.approx(0.3339, abs=0.004)
    assert (found.difference.low, found.difference.high) < (0.0524, 0.35)


def test_answers_to_one_request_say_less_than_answers_to_many():
    gave, shown = np.tile(np.arange(40) < 30, 3), np.tile(np.arange(40) % 2 == 0, 3)
    request, chance = np.tile(np.arange(40), 3), np.full(120, 0.5)
    alike, apart = followed(gave, shown, chance, request), followed(gave, shown, chance, np.arange(120))
    assert alike.difference.value == apart.difference.value
    assert alike.difference.high - alike.difference.low > 1.5 * (apart.difference.high - apart.difference.low)


def test_chance_that_changed_is_allowed_for():
    """Nobody follows. First 90 % are shown, of requests whose pre-label is right in 90 %; then 10 %, of those right in half."""
    generator = np.random.default_rng(1)
    chance, right = np.repeat([0.9, 0.1], 4000), np.repeat([0.9, 0.5], 4000)
    shown, gave = generator.random(8000) < chance, generator.random(8000) < right
    found = followed(gave, shown, chance, np.arange(8000))
    assert gave[shown].mean() - gave[~shown].mean() > 0.25
    assert found.difference.low < 0 < found.difference.high
    assert found.difference.value == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize(
    ("shown", "hidden"), [(FEWEST_SHOWN_AND_HIDDEN - 1, 50), (50, FEWEST_SHOWN_AND_HIDDEN - 1), (0, 0)]
)
def test_few_requests_of_either_kind_say_nothing(shown, hidden):
    found = independent((shown, shown), (0, hidden))
    assert (found.shown, found.hidden, found.difference) == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_answers_that_are_all_alike_are_no_certainty():
    found = independent((20, 20), (20, 20)).difference
    assert found.value == 0
    assert found.low < -0.1
    assert found.high > 0.1


@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_interval_covers_what_people_do(bias):
    asked, covered = Asked(300, 0.1, 0.9), 0
    for seed in range(400):
        found = answers(np.random.default_rng(seed), asked, bias)
        estimate = followed(found.gave, found.shown, np.full(found.gave.size, 0.9), found.request).difference
        covered += estimate.low <= difference(asked, bias) <= estimate.high
    say(f"bias {bias}: {covered} of 400 covered")
    assert 0.92 < covered / 400 < 0.985
