import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.foundation.errors import ContractError
from include.foundation.statistics.e_values import (
    BETS,
    Stake,
    bets_up_to,
    log_e_value,
    mixture_e_value,
)

COUNTS = st.integers(0, 50)


def of_counts(wins: float, losses: float, ties: float = 0, threshold: float = 0.0) -> list[Stake]:
    return [Stake([1.0, -1.0, 0.0], [wins, losses, ties], threshold)]


def expected_e_value(
    chances: dict[float, float], rows: int, threshold: float = 0.0, weights=(1.0,), largest: float = 1.0
) -> float:
    """Expect the e-value over every sequence of independent differences, by enumeration; weights take turns."""
    total = 0.0
    for path in product(chances, repeat=rows):
        shares = [weights[place % len(weights)] for place in range(rows)]
        stake = Stake([d * w for d, w in zip(path, shares, strict=True)], [1] * rows, threshold, shares, largest)
        total += math.prod(chances[d] for d in path) * mixture_e_value([stake])
    return total


def test_mixture_e_value_one_win_is_the_mean_bet() -> None:
    assert mixture_e_value(of_counts(1, 0)) == pytest.approx(1 + BETS.mean())
    assert mixture_e_value(of_counts(0, 1)) == pytest.approx(1 - BETS.mean())


def test_mixture_e_value_counts_is_the_average_of_products() -> None:
    assert mixture_e_value(of_counts(33, 5)) == pytest.approx(np.mean((1 + BETS) ** 33 * (1 - BETS) ** 5))


@pytest.mark.parametrize(("threshold", "largest_loss"), [(0.5, 1.5), (-0.5, 1.0)])
def test_mixture_e_value_threshold_shifts_gains_and_scales_bets_by_the_largest_loss(threshold, largest_loss) -> None:
    bets = BETS / largest_loss
    wealth = (1 + bets * (1 - threshold)) ** 5 * (1 - bets * (1 + threshold)) ** 2
    assert mixture_e_value([Stake([1.0, -1.0], [5, 2], threshold)]) == pytest.approx(wealth.mean())


@pytest.mark.parametrize("stakes", [[], [Stake([], [])], of_counts(0, 0), of_counts(0, 0, 500)])
def test_mixture_e_value_nothing_that_differs_is_one(stakes) -> None:
    assert mixture_e_value(stakes) == 1


@pytest.mark.parametrize("chance", [0.5, 0.3])
def test_mixture_e_value_fair_game_expects_one_and_unfair_less(chance: float) -> None:
    found = expected_e_value({1.0: chance, -1.0: 1 - chance}, 10)
    assert found == pytest.approx(1) if chance == 0.5 else found < 1


@pytest.mark.parametrize("threshold", [-1.0, -0.3, 0.25, 0.6])
def test_mixture_e_value_mean_at_the_threshold_expects_one(threshold: float) -> None:
    tie = (1 - abs(threshold)) * 0.4
    win = (1 - tie + threshold) / 2
    chances = {1.0: win, 0.0: tie, -1.0: 1 - win - tie}
    assert expected_e_value(chances, 6, threshold) == pytest.approx(1)


@pytest.mark.parametrize(("weights", "fair"), [((0.1,), True), ((0.05, 0.1), True), ((0.1, 1.0), False)])
def test_mixture_e_value_larger_bets_on_light_rows_expect_one_and_less_once_a_heavy_row_ends_some(
    weights, fair
) -> None:
    found = expected_e_value({1.0: 0.5, -1.0: 0.5}, 6, weights=weights, largest=10.0)
    assert found == pytest.approx(1) if fair else 0.3 < found < 1


def test_log_e_value_light_rows_tell_more_where_bets_may_be_larger() -> None:
    """Thirty wins and ten losses of a tenth of the weight: as 30 to 10 of whole rows, but for more bets to choose from."""
    light = Stake([0.1, -0.1], [30, 10], 0.0, [0.1, 0.1], 10.0)
    bets = bets_up_to(10.0)
    assert (bets[: BETS.size] == BETS).all()
    assert bets[-1] == pytest.approx(9.5)
    assert log_e_value([light]) == pytest.approx(np.log(np.mean((1 + bets / 10) ** 30 * (1 - bets / 10) ** 10)))
    assert log_e_value([light]) > 2 * log_e_value([Stake([0.1, -0.1], [30, 10], 0.0, [0.1, 0.1])])
    assert log_e_value([light, Stake([1.0], [1])]) > log_e_value([light])


@pytest.mark.parametrize("threshold", [-0.3, 0.3])
def test_mixture_e_value_rows_of_unequal_weight_at_the_threshold_expects_one(threshold: float) -> None:
    win = (0.7 + threshold) / 2
    chances = {1.0: win, 0.0: 0.3, -1.0: 0.7 - win}
    assert expected_e_value(chances, 6, threshold, weights=(1.0, 0.1)) == pytest.approx(1)


def test_mixture_e_value_looked_at_after_every_row_seldom_reaches_twenty() -> None:
    generator, crossed, trials = np.random.default_rng(7), 0, 400
    for _ in range(trials):
        wins = np.cumsum(generator.random(150) < 0.5)
        looks = (log_e_value(of_counts(won, n - won)) for n, won in enumerate(wins.tolist(), start=1))
        crossed += any(look >= math.log(20) for look in looks)
    assert crossed / trials <= 0.05


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(1, 5)), max_size=12), st.floats(-1, 1), st.randoms())
def test_log_e_value_any_order_or_grouping_is_the_same(rows, threshold: float, random) -> None:
    spread = [difference for difference, count in rows for _ in range(count)]
    random.shuffle(spread)
    one = log_e_value([Stake([row[0] for row in rows], [row[1] for row in rows], threshold)])
    other = log_e_value([Stake([d], [1], threshold) for d in spread] or [Stake([], [], threshold)])
    assert math.isfinite(one)
    assert one == pytest.approx(other, abs=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1.0, 0.0, -1.0]), st.floats(0.001, 1)), max_size=12),
    st.floats(0.001, 1),
    st.floats(-1, 1),
)
def test_log_e_value_a_further_win_of_any_weight_never_lowers_the_evidence(
    rows, weight: float, threshold: float
) -> None:
    def evidence(of_rows: list[tuple[float, float]]) -> float:
        weights = [of_row for _, of_row in of_rows]
        return log_e_value([Stake([d * w for d, w in of_rows], [1] * len(of_rows), threshold, weights)])

    assert evidence([*rows, (1.0, weight)]) >= evidence(rows) - 1e-9 >= evidence([*rows, (-1.0, weight)]) - 2e-9


@settings(deadline=None)
@given(threshold=st.floats(-1, 1), wins=COUNTS, losses=COUNTS)
def test_log_e_value_empty_stake_changes_nothing_whatever_its_threshold(threshold, wins: int, losses: int) -> None:
    alone = log_e_value(of_counts(wins, losses))
    assert log_e_value([*of_counts(wins, losses), Stake([], [], threshold)]) == pytest.approx(alone)


@pytest.mark.parametrize(
    ("stake", "told"),
    [
        (([math.nan], [1]), "differences over their weights: got nan"),
        (([1.5], [1]), "differences over their weights: got 1.5"),
        (([0.5], [1], 0.0, [0.2]), "differences over their weights: got 1.3, expected 0 to 1"),
        (([1.0], [-1]), "counts: got -1"),
        (([1.0], [math.inf]), "counts: got inf"),
        (([1.0], [1], math.nan), "threshold: got nan"),
        (([1.0], [1], 0.0, [math.nan]), "weights: got nan"),
        (([0.0], [1], 0.0, [1.5]), "weights: got 1.5"),
        (([1.0, 1.0], [1]), "2 differences, 1 counts and 2 weights"),
    ],
)
def test_stake_of_what_is_no_difference_is_refused(stake, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        Stake(*stake)


@settings(deadline=None)
@given(wins=COUNTS, losses=COUNTS, ties=COUNTS)
def test_log_e_value_more_wins_raises_it_and_more_losses_lowers_it(wins: int, losses: int, ties: int) -> None:
    here = log_e_value(of_counts(wins, losses, ties))
    assert log_e_value(of_counts(wins + 1, losses, ties)) > here > log_e_value(of_counts(wins, losses + 1, ties))


def test_mixture_e_value_overwhelming_evidence_does_not_overflow() -> None:
    assert math.isfinite(mixture_e_value(of_counts(10**7, 0)))
    assert mixture_e_value(of_counts(0, 10**7)) == 0
    assert log_e_value(of_counts(10**7, 0)) > 10**6


def test_mixture_e_value_higher_threshold_is_harder() -> None:
    found = [mixture_e_value(of_counts(30, 5, 10, threshold)) for threshold in (-0.5, 0.0, 0.3, 1.0)]
    assert found == sorted(found, reverse=True)
    assert found[-1] <= 1
