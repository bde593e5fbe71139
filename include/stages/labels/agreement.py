"""How far annotators agree beyond chance."""

import numpy as np
from numpy.typing import NDArray

from include.stages.labels.consensus import Votes


def krippendorff_alpha(votes: Votes) -> float | None:
    """Return Krippendorff's alpha for nominal answers, -1 to 1, or None where it is not defined.

    It is not defined if no item has two answers, or if all answers to items with two or more are the same class.

    Notes
    -----
    ``1 - observed disagreement / expected disagreement``, where each pair of answers to an item with m answers has the weight
    ``1 / (m - 1)`` (Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011).
    """
    counts = np.zeros((votes.items, votes.classes))
    np.add.at(counts, (votes.item, votes.label), 1)
    return _alpha(counts[counts.sum(axis=1) >= 2])


def _alpha(counts: NDArray[np.float64]) -> float | None:
    answers = counts.sum(axis=1)
    total = answers.sum()
    if total == 0:
        return None
    unequal_pairs = answers**2 - (counts**2).sum(axis=1)
    observed = (unequal_pairs / (answers - 1)).sum() / total
    by_class = counts.sum(axis=0)
    expected = (total**2 - (by_class**2).sum()) / (total * (total - 1))
    return None if expected == 0 else float(1 - observed / expected)
