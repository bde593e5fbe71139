"""Tail probabilities are those of scipy."""

import numpy as np
import pytest
from scipy import special

from include.foundation.statistics.tails import incomplete_beta, two_sided_t, upper_f


@pytest.mark.parametrize("degrees", [1, 2, 6, 21, 27, 365])
def test_t_tail_is_that_of_scipy(degrees):
    t = np.array([0.0, 1e-9, 0.1, 1.0, 2.5, 6.0, 40.0, 1e6, 1e200])
    np.testing.assert_allclose(two_sided_t(t, degrees), 2 * special.stdtr(degrees, -t), rtol=1e-9, atol=1e-290)


@pytest.mark.parametrize("degrees", [(1, 5), (6, 21), (6, 359), (2, 3)], ids=str)
def test_f_tail_is_that_of_scipy(degrees):
    ratio = np.array([0.0, 1e-9, 0.3, 1.0, 2.6, 30.0, 1e9])
    np.testing.assert_allclose(upper_f(ratio, *degrees), special.fdtrc(*degrees, ratio), rtol=1e-9, atol=1e-290)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3.0, 0.5), (0.5, 180.0), (182.5, 0.5), (10.5, 3.0)])
def test_incomplete_beta_is_that_of_scipy_and_monotone(a, b):
    x = np.linspace(0, 1, 401)
    found = incomplete_beta(a, b, x)
    np.testing.assert_allclose(found, special.betainc(a, b, x), rtol=1e-9, atol=1e-14)
    assert (np.diff(found) >= -1e-14).all()
    assert incomplete_beta(a, b, np.array([])).size == 0
