"""How often other tools say that the dataset drifted, on raw rows; None for one whose environment is missing."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import TOOLS, available, flags

Draw = tuple[NDArray[np.float64], NDArray[np.float64]]


def peer_rates(draws: Iterable[Draw], group: int = 1) -> dict[str, float | None]:
    """Return, by tool, the share of windows that it calls drifted.

    Parameters
    ----------
    draws
        Reference rows (rows, columns) and windows (W, n, columns).
    group
        Windows judged together: one called drifted is enough. It divides W.
    """
    with tempfile.TemporaryDirectory() as folder:
        arrays = []
        for number, (reference, windows) in enumerate(draws):
            arrays.append(Path(folder) / f"{number}.npz")
            np.savez(arrays[-1], reference=reference, windows=windows)
        told = {name: flags(name, arrays) if arrays and available(name) else None for name in TOOLS}
    return {name: _rate(flagged, group) if flagged else None for name, flagged in told.items()}


def _rate(flagged: list[bool], group: int) -> float:
    return float(np.reshape(flagged, (-1, group)).any(axis=1).mean())
