import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.stages.gate.error_budget import level


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.5])
def test_level_all_challengers_ever_spend_the_budget_and_no_more(budget: float) -> None:
    spent = sum(level(budget, nth) for nth in range(1, 20_001))
    assert 0.9999 * budget < spent < budget


@given(st.floats(0.001, 0.999), st.integers(1, 10**6))
def test_level_later_challengers_get_less_but_never_nothing(budget: float, nth: int) -> None:
    assert 0 < level(budget, nth + 1) < level(budget, nth) < budget
