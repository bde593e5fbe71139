"""Diversifiers: how a choice is spread over different kinds of rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from include.stages.selection.vectors import Vectors

NEAR_DUPLICATE = 0.95  # cosine similarity from which two rows are near duplicates
OVERSAMPLE = 3  # times as many rows are grouped as are chosen: among more, groups lie where the model is sure
DIMENSIONS = 50  # of the space in which rows are grouped: words that hardly any row has say little of what is alike
WIDEST = 64  # vectors that are grouped as they are
ROUNDS = 8
LEAST_WEIGHT = 1e-3
Array = NDArray[np.float64]
Single = NDArray[np.float32]
Positions = NDArray[np.int64]
Diversifier = Callable[[Array, Vectors, int, int], Positions]


def best_first(scores: Array, vectors: Vectors, n: int, seed: int) -> Positions:
    """Return the positions of the n best scores, best first, leaving out near duplicates of rows chosen before.

    Parameters
    ----------
    scores
        float64, (rows,), no NaN; larger is more informative.
    vectors
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
    return without_near_duplicates(_ranked(scores), vectors, n)


def clusters(scores: Array, vectors: Vectors, n: int, seed: int) -> Positions:
    """Return the row in the middle of each of n clusters among the rows with the best scores, best first.

    Rows count by the square of their score where the clusters' middles are (Zhdanov 2019, *Diverse mini-batch active learning*,
    weighs by the score itself; squared, fewer labels were needed on each data set of ``benchmarks.label_efficiency``).

    Parameters
    ----------
    scores
        float64, (rows,), no NaN; larger is more informative.
    vectors
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
    ranked = _ranked(scores)
    best = ranked[: OVERSAMPLE * n]
    if n <= 1 or best.size <= n:
        return without_near_duplicates(best, vectors, n)
    weights = np.maximum(scores[best] ** 2, LEAST_WEIGHT)
    middles = np.sort(middle_rows(dense(vectors[best]), weights, n, seed))
    order = np.concatenate([best[middles], np.delete(best, middles), ranked[best.size :]])
    chosen = without_near_duplicates(order, vectors, n)
    return chosen[np.argsort(-scores[chosen], kind="stable")]


DIVERSIFIERS: dict[str, Diversifier] = {"clusters": clusters, "none": best_first}


def dense(vectors: Vectors) -> Array:
    """Return unit vectors of at most 64 numbers: as they are, or the 50 directions in which rows differ most.

    Words count the more the fewer rows have them.
    """
    if isinstance(vectors, np.ndarray) and vectors.shape[1] <= WIDEST:
        return vectors
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    rows, width = vectors.shape
    if not isinstance(vectors, np.ndarray):
        having = np.bincount(vectors.indices, minlength=width)
        vectors = normalize(vectors @ sparse.diags(np.log((1 + rows) / (1 + having)) + 1))
    if width > WIDEST and rows > 1:
        vectors = TruncatedSVD(min(DIMENSIONS, rows - 1, width - 1), random_state=0).fit_transform(vectors)
    return np.asarray(normalize(vectors if isinstance(vectors, np.ndarray) else vectors.toarray()))


def middle_rows(points: Array, weights: Array, n: int, seed: int) -> Positions:
    """Return the position of the point next to the middle of each of n clusters; fewer, if fewer points differ.

    Parameters
    ----------
    points
        float64, (rows, dimensions).
    weights
        float64, (rows,), above 0: how much each point counts where a middle is.
    n
        Clusters, 1 to rows.
    seed
        Of where the clusters begin (k-means++).
    """
    single = points.astype(np.float32)  # half the time, and rows are no more alike for it
    middles = single[_beginnings(single, weights, n, np.random.default_rng(seed))]
    for _ in range(ROUNDS):
        cluster = _distances(single, middles).argmin(axis=1)
        totals = np.bincount(cluster, weights, len(middles))[:, None]
        sums = np.stack([np.bincount(cluster, weights * column, len(middles)) for column in single.T], axis=1)
        middles = np.where(totals > 0, sums / np.maximum(totals, LEAST_WEIGHT), middles).astype(np.float32)
    distances = _distances(single, middles)
    cluster, nearest = distances.argmin(axis=1), distances.min(axis=1) + (single**2).sum(axis=1)
    order = np.lexsort((nearest, cluster))
    _, first = np.unique(cluster[order], return_index=True)
    return order[first]


def _distances(points: Single, middles: Single) -> Single:
    """Return squared distances, (points, middles), without what is the same for all middles."""
    distances = points @ (-2 * middles.T)
    distances += (middles**2).sum(axis=1)
    return np.asarray(distances, dtype=np.float32)


def _beginnings(points: Single, weights: Array, n: int, generator: np.random.Generator) -> Positions:
    """Return positions of points that are far from each other, each drawn by its squared distance to those before it."""
    squares, chosen = (points**2).sum(axis=1), [int(weights.argmax())]
    distances = np.full(len(points), np.inf)
    while len(chosen) < n:
        last = chosen[-1]
        distances = np.minimum(distances, np.maximum(squares + squares[last] - 2 * points @ points[last], 0))
        distances[last] = 0
        chances = np.cumsum(distances * weights, dtype=np.float64)
        if chances[-1] <= 0:
            break
        drawn = np.searchsorted(chances, generator.random() * chances[-1], side="right")
        chosen.append(min(int(drawn), len(points) - 1))
    return np.array(chosen, dtype=np.int64)


def _ranked(scores: Array) -> Positions:
    return np.argsort(-scores, kind="stable")


def without_near_duplicates(order: Positions, vectors: Vectors, n: int) -> Positions:
    """Return the first n positions of an order that are not near duplicates of a position returned before them.

    Parameters
    ----------
    order
        Positions.
    vectors
        Unit vectors, (rows, features).
    n
        How many positions are wanted.
    """
    chosen: list[int] = []
    for position in order.tolist():
        if len(chosen) == n:
            break
        if not chosen or (vectors[chosen] @ vectors[position].T).max() < NEAR_DUPLICATE:
            chosen.append(position)
    return np.array(chosen, dtype=np.int64)
