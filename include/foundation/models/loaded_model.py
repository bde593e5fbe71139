"""A model of the registry, ready to predict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.errors import TrainingError
from include.foundation.models.frames import features_frame, with_columns
from include.foundation.taxonomy import Taxonomy


@dataclass(frozen=True)
class LoadedModel:
    """A model of the registry, ready to predict.

    ``version`` is None for a run that is not registered; ``files_digest`` is of the files that it was read from. ``columns``
    are those that it was fitted on, and which of them are texts; without any, it takes those of the loop file.
    """

    loop: Loop
    version: str | None
    run_id: str
    challenger_key: str
    estimator: Any
    files_digest: str | None = None
    columns: Mapping[str, bool] = field(default_factory=dict)

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
            class that the model never saw. Both are in today's names, whatever names the model speaks: a class that was
            renamed has the probabilities of all its names. A retired class stays as a prediction, which no label equals.

        Raises
        ------
        ConfigError
            If the model speaks of classes of which the loop file does not say what became of them.
        TrainingError
            If the model fails on these rows.
        """
        taxonomy = Taxonomy.of(self.loop.task)
        spoken = [str(name) for name in self.estimator.classes_]
        taxonomy.demand_declared(spoken, self._named)
        probabilities = np.zeros((rows.num_rows, len(taxonomy.classes)))
        if not rows.num_rows:
            return np.array([], dtype=object), probabilities
        by_spoken = self.spoken_probabilities(rows)
        for name, of_class in zip(spoken, by_spoken.T, strict=True):
            if (meaning := taxonomy.current(name)) is not None:
                probabilities[:, taxonomy.classes.index(meaning)] += of_class
        return np.array([taxonomy.shown(name) for name in spoken], dtype=object)[
            by_spoken.argmax(axis=1)
        ], probabilities

    @property
    def _named(self) -> str:
        return f"model ({f'version {self.version}' if self.version else self.challenger_key})"

    def spoken_probabilities(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return the probabilities of the classes that the model itself speaks, (n, its ``classes_``), in their order.

        Parameters
        ----------
        rows
            As of `predict`, at least one.

        Raises
        ------
        TrainingError
            If the model fails on these rows.
        """
        try:
            frame = features_frame(self.loop, rows)
            if self.columns and list(frame) != list(self.columns):
                frame = with_columns(frame, self.columns)
            return np.asarray(self.estimator.predict_proba(frame))
        except Exception as error:  # a model is the user's own code
            raise TrainingError(
                f"{self._named} cannot be asked for the probabilities of {rows.num_rows} rows: {error!r}; mend "
                f"{self.loop.training.factory} so that it takes every row that the loop file lets in, and train again"
            ) from error
