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
    found: dict[str, list[bool]] = {name: [] for name in TOOLS if available(name)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "days.npz"
        for reference, drawn in draws:
            np.savez(path, reference=reference, windows=drawn)
            for name, so_far in found.items():
                told = np.array(flags(name, path), dtype=bool)
                so_far += [bool(windows.any()) for windows in told.reshape(-1, group)]
    return {name: float(np.mean(found[name])) if found.get(name) else None for name in TOOLS}
