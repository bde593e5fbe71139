"""What a model's confidence in all logged rows adds to the labels of a few: prediction-powered estimates."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.calibrated_confidence import calibrated

FOLDS = 5
END = 0.5  # rows of the smallest value and of the largest that are added
LEAST = 0.05  # of the variance, that no confidence explains
NO_CELL = -1
HALF = 0.5
FLAT, RANK, TINIEST = 1e-8, 1e-8, 1e-300
Floats = NDArray[np.float64]
Codes = NDArray[np.int64] | NDArray[np.intp]
Proxies = Callable[[Floats], Floats]


@dataclass(frozen=True)
class LoggedConfidence:
    """How confident a model was in n labeled rows, and in all rows that were logged beside them.

    Attributes
    ----------
    centres
        The confidence that stands for each bin, (bins,), 0 to 1.
    logged
        How many rows were logged, by cell, served class and bin, (cells, classes, bins). A cell is what rows were drawn from
        alike, such as a day of a version. There is but one class where classes are not told apart.
    cells
        The cell of each labeled row, (n,); `NO_CELL` where what was logged beside it is not known.
    classes, bins
        The served class and the bin of each labeled row, (n,); anything where it has no cell.
    names
        Of the labeled rows, (n,): the same rows are always in the same folds.
    """

    centres: Floats
    logged: NDArray[np.float64]
    cells: Codes
    classes: Codes
    bins: Codes
    names: Sequence[str]

    def at(self, keep: NDArray[np.bool_]) -> "LoggedConfidence":
        """Return what is known of some of the labeled rows, (n,) of whether each is one of them."""
        names = [name for name, kept in zip(self.names, keep, strict=True) if kept]
        return replace(self, cells=self.cells[keep], classes=self.classes[keep], bins=self.bins[keep], names=names)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which labeled rows it is known what was logged beside them, (n,)."""
        return np.asarray(self.cells != NO_CELL)

    @cached_property
    def folds(self) -> Codes:
        """The fold of each labeled row, (n,), by a hash of its name."""
        return np.array([zlib.crc32(name.encode()) % FOLDS for name in self.names], dtype=np.int64)

    @cached_property
    def shares(self) -> Floats:
        """Of the rows of each cell, the share in each class and bin, (cells, classes, bins)."""
        return np.asarray(self.logged / np.maximum(self.logged.sum(axis=(1, 2), keepdims=True), 1.0))


@dataclass(frozen=True)
class Power:
    """What confidence adds: by how much labeled rows are luckier than all, and how many times as many labels they are worth."""

    luck: float
    gain: float


NONE = Power(0.0, 1.0)


def power(
    influence: Floats,
    right: Floats,
    weights: Floats,
    beside: LoggedConfidence,
    groups: Codes,
    proxies: Proxies | None = None,
) -> Power:
    """Return what confidence adds to an estimate that is a weighted mean, or a ratio of two.

    Parameters
    ----------
    influence
        Of each labeled row on the estimate, (n,): of a mean, its value less the mean.
    right
        Whether the model that was confident is right in each, (n,), 0 to 1.
    weights
        How many rows each stands for, (n,).
    beside
        The confidence.
    groups
        The number of each row's group, (n,): rows of a group are not independent.
    proxies
        Returns what foretells the influence by class and bin, (k, classes, bins), of the share that is right by bin, (bins,);
        that share itself by default.

    Notes
    -----
    The difference estimator: what the labeled rows' proxies exceed those of all rows by is luck, and what influence goes with
    it is taken off. The means of all rows are exact, since proxies are constant within bins that are counted. The proxies of a
    row, and how much of them is taken off (λ of Angelopoulos, Duchi & Zrnic 2023), are learnt from other folds (Zrnic & Candès
    2024), so what is taken off is zero in the mean, however wrong confidence is. Folds are of rows, as draws are. λ is the
    regression of influence on proxies, whose variance is not taken for less than half of what it is among all rows. The gain is
    what is explained of the variance in rows that nothing was learnt from; where that is nothing, nothing is taken off. Half a
    row of either end is added to the variance: few errors tell little of how well errors are foretold.
    """
    known = beside.known
    if not known.any() or influence.size < 2:
        return NONE
    scaled, taken, expected = weights / weights.sum(), np.zeros(influence.size), 0.0
    for number in range(FOLDS):
        own, others = beside.folds == number, beside.folds != number
        centred, variances = _centred(_learnt(right, weights, beside, others, proxies or _share_right), beside)
        slopes = _slopes(scaled[others], influence[others], centred[others], variances[others])
        taken[own] = centred[own] @ slopes
        expected += float(scaled[own] ** 2 @ (variances[own] @ slopes @ slopes))
    ours, theirs = np.bincount(groups, scaled * influence), np.bincount(groups, scaled * taken)
    explained = float(2 * ours @ theirs) - max(float(theirs @ theirs), expected)
    if explained <= 0:
        return NONE
    variance = float(ours @ ours) + END * float((scaled**2).mean()) * float(np.ptp(influence) ** 2)
    sampled = min(1.0, float(known.sum() / beside.logged[np.unique(beside.cells[known])].sum()))
    left = max(1 - explained / variance, LEAST)
    return Power(float(theirs.sum()), 1 / (sampled + (1 - sampled) * left))


def _learnt(
    right: Floats, weights: Floats, beside: LoggedConfidence, others: NDArray[np.bool_], proxies: Proxies
) -> Floats:
    """Return the proxies that the rows of other folds teach, (k, classes, bins)."""
    taught = others & beside.known
    curve = calibrated(beside.centres[beside.bins[taught]], right[taught], weights[taught])
    return proxies(curve(beside.centres))


def _slopes(scaled: Floats, influence: Floats, centred: Floats, variances: Floats) -> Floats:
    """Return how much of the proxies' luck goes with influence, (k,); the variance is no less than half of that of all rows."""
    of_all = float(scaled**2 @ np.trace(variances, axis1=1, axis2=2))
    if of_all < FLAT * float(scaled @ scaled):
        return np.zeros(centred.shape[1])
    apart = (centred - scaled @ centred / max(scaled.sum(), TINIEST)) * scaled[:, None]
    spread = apart.T @ apart
    spread *= max(1.0, HALF * of_all / max(float(np.trace(spread)), TINIEST))
    return np.asarray(np.linalg.lstsq(spread, apart.T @ (scaled * influence), rcond=RANK)[0])


def proxies_of_class(beside: LoggedConfidence, number: int) -> Proxies:
    """Return what foretells that a row is of a class, see `power`: that it was served as such, and how likely that is right.

    Parameters
    ----------
    beside
        The confidence.
    number
        Of the class.
    """
    served = np.zeros((beside.logged.shape[1], 1))
    served[number] = 1.0
    return lambda share: np.stack([served * np.ones_like(share), served * share, (1 - served) * share])


def _share_right(share: Floats) -> Floats:
    return share[None, None, :]


def _centred(values: Floats, beside: LoggedConfidence) -> tuple[Floats, Floats]:
    """Return the proxies of each labeled row less their mean in its cell, (n, k), and their variances there, (n, k, k)."""
    known = beside.known
    cells = beside.cells[known]
    means = np.tensordot(beside.shares, values, axes=([1, 2], [1, 2]))
    squares = np.einsum("dcb,kcb,lcb->dkl", beside.shares, values, values, optimize=True)
    classes = beside.classes[known] if values.shape[1] > 1 else 0
    centred = np.zeros((known.size, values.shape[0]))
    centred[known] = values[:, classes, beside.bins[known]].T - means[cells]
    spread = np.zeros((known.size, values.shape[0], values.shape[0]))
    spread[known] = squares[cells] - means[cells][:, :, None] * means[cells][:, None, :]
    return centred, spread
