"""The labels that monitors judge by: those of randomly drawn rows, as the class `LabeledRow`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import design_weights
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.drift.profiling.columns import watched_segments

FEWEST_LABELS = 30


@dataclass(frozen=True)
class LabeledRow:
    """A prediction whose label came back.

    Attributes
    ----------
    ts
        Time of the prediction.
    label, predicted
        The class that the label and the model say.
    model_version
        Version that predicted.
    request_id
        Request that the label answers.
    inclusion_probability
        Above 0, at most 1.
    segments
        Watched segment values, as ``desk=eu``.
    """

    ts: datetime
    label: str
    predicted: str
    model_version: str | None
    request_id: str | None
    inclusion_probability: float
    segments: tuple[str, ...] = ()

    @property
    def correct(self) -> bool:
        """Whether the prediction equals the label."""
        return self.predicted == self.label

    @classmethod
    def from_row(cls, row: Mapping[str, Any], segments: Mapping[str, str]) -> "LabeledRow":
        """Return what a row of the table ``labels`` holds; ``segments`` are columns by name."""
        values = {name: row[column] for name, column in segments.items()}
        return cls(
            row["ts"], row["label"], row["predicted"], row["model_version"], row["request_id"], row["inclusion_probability"],
            tuple(f"{name}={value}" for name, value in values.items() if value is not None),
        )  # fmt: skip


def random_labels(store: LoopStore, interval: Interval) -> list[LabeledRow]:
    """Return the labels of randomly drawn rows before the window's end whose prediction is known, in today's classes."""
    segments = watched_segments(store.loop)
    inputs = set(store.loop.input_columns.values())  # the largest columns, and nobody looks at them here
    columns = [name for name in store.schema("labels").names if name not in inputs]
    wanted: Filter = [("stratum", "=", "random"), ("ts", "<", interval.end)]
    labels = current_labels(store.read("labels", columns=columns, filters=wanted))
    read = Taxonomy.of(store.loop.task).read_labels(labels)
    return [LabeledRow.from_row(row, segments) for row in read.to_pylist() if row["predicted"]]


def weights_of(rows: Sequence[LabeledRow]) -> NDArray[np.float64]:
    """Return the design weight of each row, (n,)."""
    return design_weights([row.inclusion_probability for row in rows])
