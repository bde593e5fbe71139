"""scikit-activeml: margins of logged probabilities, ``ROWS FILE…``; or a core set of embeddings, ``coreset ROWS FILE…``."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skactiveml.base import SkactivemlClassifier  # type: ignore[import-not-found]  # in its own environment
from skactiveml.pool import CoreSet, UncertaintySampling  # type: ignore[import-not-found]

from benchmarks.peers.logged_chances import CLASSES, choose, read_embeddings


class Logged(SkactivemlClassifier):  # type: ignore[misc]
    """A classifier whose answers were logged."""

    def fit(self, rows: Any, labels: Any, sample_weight: Any = None) -> "Logged":
        """Learn nothing.

        Parameters
        ----------
        rows, labels, sample_weight
            Are not looked at.
        """
        del rows, labels, sample_weight
        return self

    def predict_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of rows, each of which is its number."""
        return np.asarray(LOGGED[0][rows[:, 0].astype(int)])


LOGGED: list[NDArray[np.float64]] = []


def query(chances: NDArray[np.float64], wanted: int) -> Any:
    """Return the rows with the smallest margins."""
    LOGGED.append(chances)
    rows = np.arange(len(chances), dtype=float)[:, None]
    classifier = Logged(classes=list(range(CLASSES)))
    sampling = UncertaintySampling(method="margin_sampling", random_state=0)
    return sampling.query(rows, np.full(len(rows), np.nan), clf=classifier, fit_clf=False, batch_size=wanted)


def core_set(rows: NDArray[np.float64], wanted: int) -> Any:
    """Return rows that cover all others: scikit-activeml's batch strategy that is the quickest to choose from many rows."""
    return CoreSet(random_state=0).query(rows, np.full(len(rows), np.nan), batch_size=wanted)


if __name__ == "__main__":
    if sys.argv[1] == "coreset":
        del sys.argv[1]
        choose(core_set, read_embeddings)
    else:
        choose(query)
