"""How many classes there are in effect: the exponential of the entropy of their shares (Hill, *Ecology* 1973)."""

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.estimates import Estimate

DRAWS = 4_000
PRIOR = 0.5  # of each class: Jeffreys'
SEED = 0

Floats = NDArray[np.float64]


def effective_classes(counts: Floats) -> Floats:
    """Return the number of classes of equal share that are as diverse, along the last axis; one where there is nothing.

    Parameters
    ----------
    counts
        How much there is of each class, (..., classes).

    Examples
    --------
    >>> effective_classes(np.array([[1.0, 1.0, 2.0], [5.0, 0.0, 0.0]])).round(2).tolist()
    [2.83, 1.0]
    """
    total = counts.sum(axis=-1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    effective: Floats = np.exp(-(shares * logs).sum(axis=-1))
    return effective


def relative_diversity(counts: Floats, reference: Floats) -> Estimate:
    """Return how much of a reference's diversity beyond one class there is, with a 95 % interval.

    Parameters
    ----------
    counts
        Rows of each class, (classes,).
    reference
        The same of what is compared with; of weighted rows as many equal ones as say the same.

    Notes
    -----
    Both sets of shares have a posterior, with Jeffreys' prior: where all of a few rows are of one class there may be others.
    """
    generator = np.random.default_rng(SEED)
    ours, theirs = (effective_classes(generator.dirichlet(each + PRIOR, DRAWS)) - 1 for each in (counts, reference))
    low, high = np.quantile(ours / theirs, [0.025, 0.975])
    value = (effective_classes(counts) - 1) / max(float(effective_classes(reference)) - 1, 1e-9)
    rows = int(counts.sum())
    return Estimate(float(value), float(low), float(high), rows=rows, effective_rows=float(rows))
