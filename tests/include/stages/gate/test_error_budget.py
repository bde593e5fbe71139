import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.foundation.errors import ConfigError
from include.stages.gate.error_budget import Guarantee, Level, next_level

GUARANTEES = st.sampled_from(["share", "never"])


def levels(guarantee: Guarantee, budget: float, n: int, *, promoted: bool = False) -> list[Level]:
    """Return the levels of the first n challengers."""
    found: list[Level] = []
    for nth in range(1, n + 1):
        spent = sum(level.spent for level in found)
        found.append(next_level(guarantee, budget, spent, nth, len(found) if promoted else 0))
    return found


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.5])
def test_next_level_all_challengers_ever_spend_the_budget_and_no_more(budget: float) -> None:
    spent = sum(level.spent for level in levels("never", budget, 2000))
    assert 0.999 * budget < spent < budget
    assert 0.6 * budget < sum(level.spent for level in levels("share", budget, 500)) < budget


@pytest.mark.parametrize(("guarantee", "exponent", "total"), [("share", 1.2, 5.59158), ("never", 2, 1.644934)])
def test_next_level_falls_as_a_power_of_the_number(guarantee: Guarantee, exponent: float, total: float) -> None:
    found = levels(guarantee, 0.05, 20)
    assert [level.spent for level in found] == pytest.approx(
        [0.05 / total / nth**exponent for nth in range(1, 21)], rel=1e-5
    )
    assert [level.level for level in found] == [level.spent for level in found]


def test_next_level_each_promotion_adds_one_share_under_share_only() -> None:
    assert [level.level / level.spent for level in levels("share", 0.05, 4, promoted=True)] == pytest.approx(
        [1, 2, 3, 4]
    )
    assert [level.level / level.spent for level in levels("never", 0.05, 4, promoted=True)] == pytest.approx([1] * 4)


@settings(deadline=None)
@given(GUARANTEES, st.floats(0.001, 0.999), st.integers(1, 10**6))
def test_next_level_later_challengers_get_less_but_never_nothing(guarantee: Guarantee, budget: float, nth: int) -> None:
    first, second = (next_level(guarantee, budget, 0.0, n, 0).level for n in (nth, nth + 1))
    assert 0 < second < first < budget


@settings(deadline=None)
@given(st.lists(st.tuples(GUARANTEES, st.floats(0.01, 0.2)), min_size=1, max_size=30))
def test_next_level_loop_file_that_changes_on_the_way_never_spends_more_than_its_largest_budget(changes) -> None:
    spent = 0.0
    for nth, (guarantee, budget) in enumerate(changes, start=1):
        if spent >= budget:
            with pytest.raises(ConfigError, match="nothing is left"):
                next_level(guarantee, budget, spent, nth, 0)
        else:
            spent += next_level(guarantee, budget, spent, nth, 0).spent
    assert spent < max(budget for _, budget in changes)


@pytest.mark.parametrize("promotions", [0, 3])
def test_next_level_expected_share_of_wrong_promotions_is_within_the_budget(promotions: int) -> None:
    """Each e-value is at most its level's inverse in the mean: the bound that e-LOND proves, term by term."""
    found = levels("share", 0.05, 40, promoted=bool(promotions))
    bound = sum(level.level / (place + 1 if promotions else 1) for place, level in enumerate(found))
    assert bound <= 0.05
