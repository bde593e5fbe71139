"""Answers of annotators as indices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Votes:
    """Answers as indices: in answer j, annotator ``annotator[j]`` says that item ``item[j]`` is of class ``label[j]``.

    All three arrays are int64, (answers,). An annotator answers an item at most once.
    """

    item: NDArray[np.int64]
    annotator: NDArray[np.int64]
    label: NDArray[np.int64]
    items: int
    annotators: int
    classes: int
