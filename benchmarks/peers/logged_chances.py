"""Probabilities and embeddings that were logged, for tools that ask a model for them: every row is its own number."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

CLASSES, DIMENSIONS = 10, 64


def read_chances(paths: Sequence[str]) -> NDArray[np.float64]:
    """Return the probabilities of Parquet files, (rows, classes)."""
    return _vectors(paths, "probabilities", CLASSES)


def read_embeddings(paths: Sequence[str]) -> NDArray[np.float64]:
    """Return the embeddings of Parquet files, (rows, dimensions)."""
    return _vectors(paths, "embedding", DIMENSIONS)


def _vectors(paths: Sequence[str], name: str, width: int) -> NDArray[np.float64]:
    columns = [pq.read_table(path, columns=[name], use_threads=False).column(0) for path in paths]
    numbers = [chunk.flatten().to_numpy() for column in columns for chunk in column.chunks]
    return np.concatenate(numbers).reshape(-1, width)


def choose(
    query: Callable[[NDArray[np.float64], int], Any],
    read: Callable[[Sequence[str]], NDArray[np.float64]] = read_chances,
) -> None:
    """Ask a tool for rows of files, ``ROWS FILE…``, and print how many it chose.

    Parameters
    ----------
    query
        Takes what is read and how many rows to choose, and returns their positions.
    read
        Reads it of the files: the probabilities by default.
    """
    chosen = query(read(sys.argv[2:]), int(sys.argv[1]))
    print(len(np.unique(np.asarray(chosen))))
