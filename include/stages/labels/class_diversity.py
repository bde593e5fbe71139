"""Whether labels to train on have lost classes that are served: what a loop that learns from itself forgets first."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.statistics.entropy import effective_classes, relative_diversity
from include.stages.labels.label_origins import IN_WORDS, Remark, origins_of


def class_diversity(loop: Loop, train: pa.Table, drawn: pa.Table) -> Remark:
    """Return of how many classes training labels are in effect, by origin, and whether these are too few.

    Too few is shown to be less than ``labels.min_class_diversity`` of the diversity, beyond one class, of the rows as they were
    served. While no drawn row has a label there is nothing to compare with.

    Parameters
    ----------
    loop
        Has the floor.
    train
        Labels to train on.
    drawn
        Randomly drawn rows with the label of their content and their inclusion probability.
    """
    if not train.num_rows or not drawn.num_rows:
        return Remark()
    labels = train.column("label").to_pylist()
    weights = 1 / np.array(drawn.column("inclusion_probability").to_pylist())
    effective_rows = weights.sum() ** 2 / (weights**2).sum()
    served = _counts(loop, drawn.column("label").to_pylist(), weights) * effective_rows / weights.sum()
    counts, least = _counts(loop, labels), loop.labels.min_class_diversity
    told = f"{_number(counts)} classes{_by_origin(loop, train, labels)}, rows as they were served of {_number(served)}"
    diversity = relative_diversity(counts, served)
    if diversity.high is None or diversity.high >= least:
        return Remark(f"In effect they are of {told}.")
    problem = (
        f"labels to train on are in effect of {told}: beyond one class {diversity.value:.2f} of what is served, at most "
        f"{diversity.high:.2f}, and labels.min_class_diversity is {least:.2f}; a model that learns them forgets the others"
    )
    return Remark("", problem)


def _by_origin(loop: Loop, train: pa.Table, labels: Sequence[str]) -> str:
    origins = origins_of(train)
    if len(set(origins)) == 1:
        return ""
    own = {
        name: _counts(loop, [label for label, origin in zip(labels, origins, strict=True) if origin == name])
        for name in Counter(origins)
    }
    return f" ({', '.join(f'{IN_WORDS.get(name, name)}: {_number(counts)}' for name, counts in sorted(own.items()))})"


def _counts(loop: Loop, labels: Sequence[str], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    number = {name: place for place, name in enumerate(loop.task.classes)}
    places = np.array([number[label] for label in labels], dtype=np.int64)
    return np.bincount(places, weights=weights, minlength=len(number)).astype(np.float64)


def _number(counts: NDArray[np.float64]) -> str:
    return f"{float(effective_classes(counts)):.1f}"
