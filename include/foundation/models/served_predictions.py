"""What production logged, where the loop has put no model live yet: it is what the first challenger must be better than."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.models.loaded_model import LoadedModel
from include.foundation.taxonomy import Taxonomy


@dataclass(frozen=True)
class ServedPredictions(LoadedModel):
    """The predictions that were served, as a model of no version: it is asked about logged rows alone."""

    version: None = None
    run_id: str = ""
    challenger_key: str = ""
    estimator: None = None

    def predict(self, rows: pa.Table) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """Return the class that was logged with each row, in today's names, and no probabilities.

        Parameters
        ----------
        rows
            Have ``predicted``.
        """
        shown = Taxonomy.of(self.loop.task).shown
        names = [name and shown(name) for name in rows.column("predicted").to_pylist()]
        return np.array(names, dtype=object), np.zeros((rows.num_rows, 0))
