"""Discoveries: the families share the rate of the loop file, and each keeps its share."""

import numpy as np
import pytest
from scipy import stats

from include.foundation.config.data_sections import Drift
from include.stages.drift.discoveries import SHARES, discoveries


def test_shares_of_the_rate_add_up_to_all_of_it():
    assert sum(SHARES.values()) == 1


@pytest.mark.parametrize("family", SHARES)
def test_discoveries_are_those_of_scipy_at_the_familys_share_and_monotone(family):
    generator, drift = np.random.default_rng(0), Drift(false_alarm_rate=0.1)
    for _ in range(50):
        p_values = generator.random(20) ** 4
        flags = discoveries(drift, family, p_values)
        assert flags == (stats.false_discovery_control(p_values) <= SHARES[family] * 0.1).tolist()
        assert sum(flags) <= sum(discoveries(Drift(false_alarm_rate=0.4), family, p_values))
    assert discoveries(drift, family, []) == []
