"""Which classes and segments the labels are of that models train on, beside which are served."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.estimates import Estimate, weighted_mean
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.stages.labels.datasets import Dataset

MOST_VALUES = 10


@dataclass(frozen=True)
class Coverage:
    """A class, or a value of a segment: its share of what is served, and of the labels that models train on.

    ``served`` is estimated from rows drawn at random; unknown where none of them is labeled.
    """

    part: str
    served: Estimate
    labels: int
    share: float


def label_coverage(loop: Loop, dataset: Dataset) -> list[Coverage]:
    """Return how labels cover each class, and the values of segments that are most of the rows.

    Parameters
    ----------
    loop
        Names classes and segments.
    dataset
        Labels that a challenger was trained on.

    Returns
    -------
    list of Coverage
        All classes of today, then at most ten values of each segment, the most frequent first.
    """
    drawn = dataset.holdout if dataset.drawn is None else dataset.drawn
    drawn = drawn.filter(pc.equal(drawn.column("stratum"), RANDOM))
    probabilities = drawn.column("inclusion_probability").to_pylist()
    covered: list[Coverage] = []
    for name, column in {"class": "label", **loop.segment_columns}.items():
        served, trained = (rows.column(column).to_pylist() for rows in (drawn, dataset.train))
        values = loop.task.classes if column == "label" else _frequent(served + trained)
        covered += [_coverage(name, value, served, probabilities, trained) for value in values]
    return covered


def _frequent(values: Sequence[str | None]) -> list[str | None]:
    return [value for value, _ in Counter(values).most_common(MOST_VALUES)]


def _coverage(
    name: str,
    value: str | None,
    served: Sequence[str | None],
    probabilities: Sequence[float],
    trained: Sequence[str | None],
) -> Coverage:
    labels = trained.count(value)
    return Coverage(
        part=f"{name} = {'not given' if value is None else value}",
        served=weighted_mean([float(each == value) for each in served], probabilities),
        labels=labels,
        share=labels / len(trained) if trained else 0.0,
    )
