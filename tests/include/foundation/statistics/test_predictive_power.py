import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from include.foundation.statistics.e_values import BETS, Stake, log_e_value
from include.foundation.statistics.predictive_power import Outcomes, chance_to_reach, next_round, rows_to_reach

COUNTS = st.integers(0, 50)


def known(wins: int, losses: int, threshold: float = 0.0) -> list[Stake]:
    return [Stake([1.0, -1.0], [wins, losses], threshold)]


def test_chance_to_reach_is_that_of_the_labels_that_decide() -> None:
    """Count every further number of wins: those that reach what is needed, with their predictive probability."""
    wins, losses, rows, needed = 20, 12, 60, math.log(300)
    reaching = [won for won in range(rows + 1) if log_e_value(known(wins + won, losses + rows - won)) >= needed]
    expected = sum(stats.betabinom.pmf(won, rows, wins + 1, losses + 1) for won in reaching)
    found = chance_to_reach(known(wins, losses), Outcomes(wins, losses, 0), 0.0, rows, needed)
    assert 0.1 < found < 0.9
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("needed", "chance"), [(1000.0, 0.0), (-1000.0, 1.0)], ids=["out of reach", "reached"])
def test_chance_to_reach_what_no_label_or_every_label_reaches(needed: float, chance: float) -> None:
    assert chance_to_reach(known(5, 4), Outcomes(5, 4, 0), 0.0, 50, needed) == pytest.approx(chance)


def test_chance_to_reach_ties_leave_fewer_rows_that_decide() -> None:
    few, many = (chance_to_reach(known(30, 15), Outcomes(30, 15, ties), 0.0, 60, 6.0) for ties in (0, 45))
    assert many < few


def test_chance_to_reach_smaller_gains_are_worth_less() -> None:
    whole, tenth = (
        chance_to_reach([Stake([size, -size], [30, 15])], Outcomes(30, 15, 0, size, size), 0.0, 60, 6.0)
        for size in (1.0, 0.1)
    )
    assert tenth < whole


@settings(deadline=None)
@given(wins=COUNTS, losses=COUNTS, rows=st.integers(1, 200), threshold=st.floats(-1, 1))
def test_chance_to_reach_is_a_chance_and_grows_with_every_win(wins, losses, rows, threshold) -> None:
    def chance(won: int) -> float:
        return chance_to_reach(known(won, losses, threshold), Outcomes(won, losses, 0), threshold, rows, 5.0)

    assert 0 <= chance(wins) <= chance(wins + 1) + 1e-9 <= 1 + 2e-9


def test_rows_to_reach_present_rate_reaches_what_is_missing() -> None:
    wins, losses, missing = 30, 10, math.log(100)
    found = rows_to_reach(Outcomes(wins, losses, 0), 0.0, missing)
    assert found is not None
    share = (wins + 1) / (wins + losses + 2)
    grows = max(share * np.log1p(BETS) + (1 - share) * np.log1p(-BETS))
    assert (found - 1) * grows < missing <= found * grows


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 5), (3, 30)])
def test_rows_to_reach_no_lead_is_none(wins: int, losses: int) -> None:
    assert rows_to_reach(Outcomes(wins, losses, 0), 0.0, 3.0) is None


@settings(deadline=None)
@given(wins=COUNTS, losses=COUNTS, ties=COUNTS, missing=st.floats(0.01, 20), threshold=st.floats(-1, 1))
def test_rows_to_reach_anything_is_none_or_at_least_one(wins, losses, ties, missing, threshold) -> None:
    found = rows_to_reach(Outcomes(wins, losses, ties), threshold, missing)
    assert found is None or found >= 1


def test_rows_to_reach_harder_demands_need_more() -> None:
    seen = Outcomes(30, 5, 0)
    plain = rows_to_reach(seen, 0.0, 4.0)
    assert plain is not None
    for harder in (
        rows_to_reach(seen, 0.0, 8.0),
        rows_to_reach(seen, 0.3, 4.0),
        rows_to_reach(Outcomes(30, 5, 20), 0.0, 4.0),
    ):
        assert harder is not None
        assert harder > plain
    easier = rows_to_reach(seen, -0.3, 4.0)
    assert easier is not None
    assert easier < plain


@settings(deadline=None)
@given(known=st.floats(1, 10_000), left=st.integers(1, 5000), rounds=st.integers(1, 30), most=st.integers(1, 500))
def test_next_round_rounds_ask_for_all_that_they_may_and_none_for_too_many(known, left, rounds, most) -> None:
    may_ask, asked = min(left, rounds * most), 0
    for remaining in range(rounds, 0, -1):
        if asked == may_ask:
            break
        k = next_round(known + asked, may_ask - asked, remaining, most)
        assert 1 <= k <= min(most, may_ask - asked)
        asked += k
    assert asked == may_ask


def test_next_round_later_rounds_are_larger() -> None:
    first, second = next_round(20, 480, 5, 480), next_round(45, 455, 4, 480)
    assert first < second
