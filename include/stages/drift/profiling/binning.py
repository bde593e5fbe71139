"""The bins that numbers are counted in: set once, at quantiles, so that the counts of days can be merged."""

import numpy as np
from numpy.typing import NDArray

BINS = 20
CELLS = 1024
SINGLE = 2**-23  # relative: a double and what single precision makes of it are nearer to each other
FEWEST_CELLS = 4


def bin_edges(values: NDArray[np.float64]) -> list[float]:
    """Return bin edges at the quantiles of the finite values, the outer ones infinite.

    Parameters
    ----------
    values
        float64, (n,); values that are not finite are ignored.

    Returns
    -------
    list of float
        Increasing; ``[-inf, inf]`` if no value is finite. A value that is several quantiles at once, as in a constant, a count
        or a flag, gets a bin of its own, which holds it in single precision, too. Otherwise the quantiles are rounded to a
        uniform grid, on which `Binning` is fast, unless the grid is too coarse for them (heavy tails).

    Examples
    --------
    >>> bin_edges(np.array([8.0, 8.0, 8.0]))
    [-inf, 7.999999046325684, 8.000000953674316, inf]
    """
    finite = np.sort(values[np.isfinite(values)])
    if finite.size == 0:
        return [-np.inf, np.inf]
    places = np.arange(1, BINS) * finite.size // BINS
    quantiles, times = np.unique(finite[places], return_counts=True)
    is_repeated = times > 1
    inner = _separated(quantiles, is_repeated) if is_repeated.any() else _rounded_to_grid(quantiles)
    return [-np.inf, *inner[np.isfinite(inner)].tolist(), np.inf]


class Binning:
    """Counts numbers in bins ``[low, high)``, through a uniform grid of cells if the edges lie on one.

    Parameters
    ----------
    edges
        k + 1 increasing edges, the outer ones infinite.
    """

    def __init__(self, edges: list[float]) -> None:
        self.edges = edges
        self._inner = np.array(edges[1:-1], dtype=np.float64)
        places = _grid_places(self._inner)
        self._on_grid = places is not None
        if places is not None:
            self._scale = CELLS / (self._inner[-1] - self._inner[0])
            self._offset = 1 - self._inner[0] * self._scale
            self.bin_of_cell = np.searchsorted(places, np.arange(-1, CELLS + 1), side="right")
        else:
            self.bin_of_cell = np.arange(len(edges) - 1)

    def cells(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the cell of each value, (n,), all finite; `bin_of_cell` says which bin a cell is in."""
        if not self._on_grid:
            bins: NDArray[np.intp] = np.searchsorted(self._inner, values, side="right")
            return bins
        with np.errstate(over="ignore"):
            positions = values * self._scale
        positions += self._offset
        np.clip(positions, 0, CELLS + 1, out=positions)
        cells: NDArray[np.intp] = positions.astype(np.intp)
        return cells

    def counts(self, cells: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how many of the cells lie in each bin, (k,)."""
        counts = np.bincount(cells, minlength=self.bin_of_cell.size)
        return np.bincount(self.bin_of_cell, weights=counts, minlength=len(self.edges) - 1).astype(np.int64)


def _separated(quantiles: NDArray[np.float64], is_repeated: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return edges that give each repeated quantile a bin of its own, which ends halfway to the next quantile at most."""
    middles = np.concatenate([[-np.inf], quantiles[:-1] / 2 + quantiles[1:] / 2, [np.inf]])
    with np.errstate(over="ignore"):
        width = np.abs(quantiles) * SINGLE
        low = np.clip(quantiles - width, middles[:-1], quantiles)
        high = np.maximum(np.minimum(quantiles + width, middles[1:]), np.nextafter(quantiles, np.inf))
    return np.union1d(quantiles[~is_repeated], np.concatenate([low[is_repeated], high[is_repeated]]))


def _rounded_to_grid(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quantiles moved to a grid of `CELLS` equal steps; unchanged if some would come too close together."""
    with np.errstate(over="ignore"):
        span = quantiles[-1] - quantiles[0]
    step = span / CELLS
    if not np.isfinite(span) or step <= np.spacing(np.abs(quantiles).max()) * CELLS:
        return quantiles
    places = np.round((quantiles - quantiles[0]) / step)
    return quantiles if np.diff(places).min() < FEWEST_CELLS else quantiles[0] + places * step


def _grid_places(inner: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the places of the inner edges on the grid from the first to the last; None if they do not lie on one."""
    if inner.size < 3:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        exact = (inner - inner[0]) * (CELLS / (inner[-1] - inner[0]))
    places: NDArray[np.float64] = np.round(exact)
    if not np.isfinite(exact).all() or np.abs(exact - places).max() > 1e-6 or np.diff(places).min() < FEWEST_CELLS:
        return None
    return places
