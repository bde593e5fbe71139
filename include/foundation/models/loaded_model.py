"""A model of the registry, ready to predict."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.models.frames import features_frame


@dataclass(frozen=True)
class LoadedModel:
    """A model of the registry, ready to predict.

    ``version`` is None for a run that is not registered; ``files_digest`` is of the files that it was read from.
    """

    loop: Loop
    version: str | None
    run_id: str
    challenger_key: str
    estimator: Any
    files_digest: str | None = None

    def predict(self, rows: pa.Table) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """Return the predicted class and the probabilities of each row.

        Parameters
        ----------
        rows
            Have ``input_<name>`` for each input; may be empty.

        Returns
        -------
        tuple of ndarrays
            Classes, object of str, (n,); and probabilities, float64, (n, classes), in the order of ``task.classes``, 0 for a
            class that the model never saw.
        """
        classes = self.loop.task.classes
        probabilities = np.zeros((rows.num_rows, len(classes)))
        if rows.num_rows:
            known = [classes.index(name) for name in self.estimator.classes_]
            probabilities[:, known] = self.estimator.predict_proba(features_frame(self.loop, rows))
        return np.array(classes, dtype=object)[probabilities.argmax(axis=1)], probabilities
