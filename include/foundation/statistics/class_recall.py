"""How many of the rows of a class a model predicts, from rows with known inclusion probabilities."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from include.foundation.statistics.clusters import group_numbers
from include.foundation.statistics.estimates import Estimate, Groups, powered, scores_and_weights, weighted_mean
from include.foundation.statistics.prediction_powered import LoggedConfidence, power, proxies_of_class


def weighted_recall(
    recalled: ArrayLike,
    of_class: NDArray[np.bool_],
    inclusion_probabilities: ArrayLike,
    groups: Groups = None,
    beside: tuple[LoggedConfidence, int, ArrayLike] | None = None,
) -> Estimate:
    """Return the weighted share of the rows of a class in which a model predicts it.

    Parameters
    ----------
    recalled
        1.0 where the model predicts the class, else 0.0, float64, (n,).
    of_class
        Which of the rows are of the class, (n,).
    inclusion_probabilities, groups
        As in `weighted_mean`.
    beside
        How confident the model that served the rows was, the number of the class in it, and in which rows that model was
        right, float64, (n,): what was served as the class, and how confidently, foretells the rows of it.
    """
    scores, weights = scores_and_weights(recalled, inclusion_probabilities, least=0.0)
    members = None if groups is None else [group for group, is_of in zip(groups, of_class, strict=True) if is_of]
    chances = np.asarray(inclusion_probabilities, dtype=np.float64)[of_class]
    plain = weighted_mean(scores[of_class], chances, groups=members)
    if beside is None or plain.value is None:
        return plain
    logged, number, right = beside
    influence = np.where(of_class, scores - plain.value, 0.0) * weights.sum() / weights[of_class].sum()
    proxies = proxies_of_class(logged, number)
    numbers = group_numbers(scores.size, groups)
    adds = power(influence, np.asarray(right, dtype=np.float64), weights, logged, numbers, proxies)
    return powered(plain.value, plain.effective_rows, plain.rows, 0.95, adds)
