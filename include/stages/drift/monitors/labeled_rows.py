"""The labels that monitors judge by: those of randomly drawn rows, as the class `LabeledRow`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import design_weights
from include.foundation.store.ledgers.labeled_draws import LabeledDraw, labeled_draws
from include.foundation.store.tables import LoopStore
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
    confidence
        Largest probability that was logged; None without.
    inclusion_probability
        Above 0, at most 1.
    segments
        Watched segment values, as ``desk=eu``.
    group
        Key of its group, see ``split.group``; None without one.
    trace_id
        Of the prediction.
    answer
        Id of the request that its label answers, or else of the label: the same for all rows of a content.
    """

    ts: datetime
    label: str
    predicted: str
    model_version: str | None
    confidence: float | None
    inclusion_probability: float
    segments: tuple[str, ...] = ()
    group: str | None = None
    trace_id: str = ""
    answer: str = ""

    @property
    def correct(self) -> bool:
        """Whether the prediction equals the label."""
        return self.predicted == self.label


def random_labels(store: LoopStore, interval: Interval) -> list[LabeledRow]:
    """Return the randomly drawn rows before the window's end whose content has a label, as they were served."""
    segments = watched_segments(store.loop)
    return [_of(draw, segments) for draw in labeled_draws(store, until=interval.end)]


def _of(draw: LabeledDraw, segments: Iterable[str]) -> LabeledRow:
    values = tuple(f"{name}={draw.segments[name]}" for name in segments if draw.segments[name] is not None)
    return LabeledRow(
        draw.ts, draw.label, draw.predicted, draw.model_version, draw.confidence, draw.inclusion_probability, values,
        draw.group_key, draw.trace_id, draw.request_id or draw.label_id,
    )  # fmt: skip


def weights_of(rows: Sequence[LabeledRow]) -> NDArray[np.float64]:
    """Return the design weight of each row, (n,)."""
    return design_weights([row.inclusion_probability for row in rows])
