"""Diversifiers: how a choice is spread over different kinds of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

NEAR_DUPLICATE = 0.95  # cosine similarity from which two rows are near duplicates
OVERSAMPLE = 5
Diversifier = Callable[[NDArray[np.float64], sparse.csr_matrix, int, int], NDArray[np.int64]]


def best_first(scores: NDArray[np.float64], features: sparse.csr_matrix, n: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of the n best scores, best first, leaving out near duplicates of rows chosen before.

    Parameters
    ----------
    scores
        float64, (rows,), no NaN; larger is more informative.
    features
        Unit vectors, (rows, features).
    n
        How many rows to choose, 0 or more.
    seed
        Not used: nothing is random here.

    Returns
    -------
    ndarray of int64
        At most n positions, no two of them near duplicates (cosine similarity of 0.95 or more).
    """
    del seed
    return _without_near_duplicates(_ranked(scores), features, n)


def clusters(scores: NDArray[np.float64], features: sparse.csr_matrix, n: int, seed: int) -> NDArray[np.int64]:
    """Return the best row of each of n clusters among the rows with the best scores, best first (Zhdanov 2019).

    Parameters
    ----------
    scores
        float64, (rows,), no NaN; larger is more informative.
    features
        Unit vectors, (rows, features).
    n
        How many rows to choose, 0 or more; fewer are returned where too many are near duplicates.
    seed
        Seed of the clustering.

    Returns
    -------
    ndarray of int64
        At most n positions, no two of them near duplicates (cosine similarity of 0.95 or more).
    """
    from sklearn.cluster import KMeans

    ranked = _ranked(scores)
    best = ranked[: OVERSAMPLE * n]
    if n == 0 or best.size <= n:
        return _without_near_duplicates(best, features, n)
    cluster_of = KMeans(n_clusters=n, n_init=1, random_state=seed).fit_predict(features[best])
    _, first = np.unique(cluster_of, return_index=True)
    leaders = np.sort(first)
    order = np.concatenate([best[leaders], np.delete(best, leaders), ranked[best.size :]])
    chosen = _without_near_duplicates(order, features, n)
    return chosen[np.argsort(-scores[chosen], kind="stable")]


DIVERSIFIERS: dict[str, Diversifier] = {"clusters": clusters, "none": best_first}


def _ranked(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")


def _without_near_duplicates(order: NDArray[np.int64], features: sparse.csr_matrix, n: int) -> NDArray[np.int64]:
    """Return the first n positions of an order that are not near duplicates of a position returned before them."""
    chosen: list[int] = []
    for position in order:
        if len(chosen) == n:
            break
        if not chosen or (features[chosen] @ features[position].T).max() < NEAR_DUPLICATE:
            chosen.append(int(position))
    return np.array(chosen, dtype=np.int64)
