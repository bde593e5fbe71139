"""Spread a choice over different kinds of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

NEAR = 0.95
OVERSAMPLE = 5
Chooser = Callable[[NDArray[np.float64], sparse.csr_matrix, int, int], NDArray[np.int64]]


def best_first(scores: NDArray[np.float64], features: sparse.csr_matrix, n: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of the n best scores, best first, passing over near duplicates of those chosen."""
    del seed
    return _not_alike(_ranked(scores), features, n)


def clusters(scores: NDArray[np.float64], features: sparse.csr_matrix, n: int, seed: int) -> NDArray[np.int64]:
    """Return the best of each of n clusters of the best candidates, best first (Zhdanov 2019).

    Parameters
    ----------
    scores
        float64, (rows,), no NaN; larger is more informative.
    features
        Unit vectors, (rows, features).
    n
        How many to choose; all that are not near duplicates if there are fewer.
    seed
        Of the clustering.

    Returns
    -------
    ndarray of int64
        At most n positions, no two of them near duplicates (cosine similarity of 0.95 or more).
    """
    from sklearn.cluster import KMeans

    ranked = _ranked(scores)
    best = ranked[: OVERSAMPLE * n]
    if n == 0 or best.size <= n:
        return _not_alike(best, features, n)
    labels = KMeans(n_clusters=n, n_init=1, random_state=seed).fit_predict(features[best])
    _, first = np.unique(labels, return_index=True)
    leaders = np.sort(first)
    order = np.concatenate([best[leaders], np.delete(best, leaders), ranked[best.size :]])
    chosen = _not_alike(order, features, n)
    return chosen[np.argsort(-scores[chosen], kind="stable")]


DIVERSIFIERS: dict[str, Chooser] = {"clusters": clusters, "none": best_first}


def _ranked(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")


def _not_alike(order: NDArray[np.int64], features: sparse.csr_matrix, n: int) -> NDArray[np.int64]:
    """Return the first n of an order that are not near duplicates of one before them."""
    chosen: list[int] = []
    for place in order:
        if len(chosen) == n:
            break
        if not chosen or (features[chosen] @ features[place].T).max() < NEAR:
            chosen.append(int(place))
    return np.array(chosen, dtype=np.int64)
