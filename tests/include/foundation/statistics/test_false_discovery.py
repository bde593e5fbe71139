import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from include.foundation.statistics.false_discovery import flagged_by_false_discovery

P_VALUES = st.lists(st.floats(0, 1), max_size=30).map(np.array)


def test_flagged_by_false_discovery_counts_the_largest_that_passes_and_all_below_it() -> None:
    """The second alone is too large for its rank, the third is not: both count."""
    p_values = np.array([0.01, 0.04, 0.045, 0.9])
    assert flagged_by_false_discovery(p_values, 0.06).tolist() == [True, True, True, False]


@given(P_VALUES, st.floats(0.01, 0.5))
def test_flagged_by_false_discovery_agrees_with_scipy(p_values: np.ndarray, rate: float) -> None:
    adjusted = false_discovery_control(p_values) if p_values.size else p_values
    decided = np.abs(adjusted - rate) > 1e-9  # at the very rate, rounding decides
    assert (flagged_by_false_discovery(p_values, rate) == (adjusted <= rate))[decided].all()


@pytest.mark.parametrize("p_values", [[], [1.0, 1.0], [0.5]])
def test_flagged_by_false_discovery_without_evidence_flags_nothing(p_values: list[float]) -> None:
    assert not flagged_by_false_discovery(np.array(p_values), 0.05).any()
