"""Probabilities that were logged, for tools that ask a model for them: every row is its own number."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

CLASSES = 10


def read_chances(paths: Sequence[str]) -> NDArray[np.float64]:
    """Return the probabilities of Parquet files, (rows, classes)."""
    columns = [pq.read_table(path, columns=["probabilities"], use_threads=False).column(0) for path in paths]
    return np.concatenate([chunk.flatten().to_numpy() for column in columns for chunk in column.chunks]).reshape(
        -1, CLASSES
    )


def choose(query: Callable[[NDArray[np.float64], int], Any]) -> None:
    """Ask a tool for rows of files, ``ROWS FILE…``, and print how many it chose.

    Parameters
    ----------
    query
        Takes probabilities and how many rows to choose, and returns their positions.
    """
    chosen = query(read_chances(sys.argv[2:]), int(sys.argv[1]))
    print(len(np.unique(np.asarray(chosen))))
