"""Which of many findings count, given that some turn up by chance."""

import numpy as np
from numpy.typing import NDArray


def flagged_by_false_discovery(p_values: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Return which p-values are discoveries at a false discovery rate (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p_values
        float64, (n,), may be empty.
    rate
        Expected share of false discoveries, 0 to 1.

    Examples
    --------
    >>> flagged_by_false_discovery(np.array([0.001, 0.2, 0.03]), 0.05)
    array([ True, False,  True])
    """
    n = p_values.size
    order = np.argsort(p_values)
    passing = np.flatnonzero(p_values[order] <= rate * np.arange(1, n + 1) / max(n, 1))
    flagged = np.zeros(n, dtype=bool)
    if passing.size:
        flagged[order[: passing[-1] + 1]] = True
    return flagged
