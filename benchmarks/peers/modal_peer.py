"""modAL: margin sampling with logged probabilities, ``ROWS FILE…``."""

from typing import Any

import numpy as np
from modAL.uncertainty import margin_sampling  # type: ignore[import-not-found]  # in its own environment
from numpy.typing import NDArray

from benchmarks.peers.logged_chances import choose


class Logged:
    """A classifier whose answers were logged."""

    def __init__(self, chances: NDArray[np.float64]) -> None:
        self._chances = chances

    def predict_proba(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probabilities of rows, each of which is its number."""
        return self._chances[rows[:, 0]]


def query(chances: NDArray[np.float64], wanted: int) -> Any:
    """Return the rows with the smallest margins."""
    return margin_sampling(Logged(chances), np.arange(len(chances))[:, None], n_instances=wanted)[0]


if __name__ == "__main__":
    choose(query)
