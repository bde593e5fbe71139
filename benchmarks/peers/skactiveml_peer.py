"""scikit-activeml: margin sampling with logged probabilities, ``ROWS FILE…``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skactiveml.base import SkactivemlClassifier  # type: ignore[import-not-found]  # in its own environment
from skactiveml.pool import UncertaintySampling  # type: ignore[import-not-found]

from benchmarks.peers.logged_chances import CLASSES, choose


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


if __name__ == "__main__":
    choose(query)
