"""How much annotators agree beyond chance."""

import numpy as np
from numpy.typing import NDArray

from include.stages.labels.consensus import Votes


def krippendorff_alpha(votes: Votes) -> float | None:
    """Return Krippendorff's alpha for nominal answers, -1 to 1; None where it is not defined.

    It is not defined if no item has two answers, or all answers of such items are the same class.

    Notes
    -----
    ``1 - observed / expected disagreement`` over coincidences; an item of m answers weighs each pair 1 / (m - 1)
    (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011).
    """
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1)
    return _alpha(counts[counts.sum(axis=1) >= 2])


def _alpha(counts: NDArray[np.float64]) -> float | None:
    answers = counts.sum(axis=1)
    total = answers.sum()
    if total == 0:
        return None
    pairs_apart = answers**2 - (counts**2).sum(axis=1)
    observed = (pairs_apart / (answers - 1)).sum() / total
    by_class = counts.sum(axis=0)
    expected = (total**2 - (by_class**2).sum()) / (total * (total - 1))
    return None if expected == 0 else float(1 - observed / expected)
