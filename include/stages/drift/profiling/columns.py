"""What is watched of a prediction log: columns of numbers and columns of categories."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.stages.drift.profiling.vocabulary import Vocabulary, text_numbers

PROJECTIONS = 4
Numbers = NDArray[np.float64]


def sources(loop: Loop) -> list[str]:
    """Return the columns of the table ``predictions`` that are read."""
    return ["confidence", "predicted", "embedding", *loop.segment_columns.values(), *loop.input_columns.values()]


def text_columns(loop: Loop) -> list[str]:
    """Return the columns that hold texts."""
    return [f"input_{name}" for name, item in loop.inputs.items() if item.type == "text"]


def categories(loop: Loop, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.DictionaryArray]]:
    """Yield the watched columns of categories: the prediction, the segments and the categorical inputs."""
    inputs = [f"input_{name}" for name, item in loop.inputs.items() if item.type == "categorical"]
    for column in ["predicted", *loop.segment_columns.values(), *inputs]:
        yield column, encoded(batch.column(column))


def numbers(
    loop: Loop, batch: pa.RecordBatch, vocabularies: dict[str, Vocabulary], day: str
) -> Iterator[tuple[str, Numbers]]:
    """Yield the watched columns of numbers, float64 with NaN for missing, (rows,).

    A numeric input and the confidence are watched as they are; a text by its length in characters, in words, and by the share
    of its words that are not in the vocabulary; a vector and the embedding by mean, norm and four fixed random projections.

    Parameters
    ----------
    loop
        Names the inputs.
    batch
        Rows of the table ``predictions`` with the columns `sources`.
    vocabularies
        Words of the first day by text column; a column without one has no share of unknown words.
    day
        Day of the rows.
    """
    yield "confidence", floats(batch.column("confidence"))
    yield from _named("embedding", vector_numbers(batch.column("embedding")))
    for name, item in loop.inputs.items():
        column = f"input_{name}"
        values = batch.column(column)
        if item.type == "numeric":
            yield column, floats(values)
        elif item.type == "text":
            yield from _named(column, text_numbers(values, vocabularies.get(column), day))
        elif item.type == "vector":
            yield from _named(column, vector_numbers(values))


def encoded(values: pa.Array) -> pa.DictionaryArray:
    """Return a column of text, dictionary encoded."""
    return values if isinstance(values, pa.DictionaryArray) else values.cast(pa.string()).dictionary_encode()


def floats(values: pa.Array) -> Numbers:
    """Return a float column as an array with NaN for null; no copy is made where there is no null."""
    found: Numbers = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return found


def vector_numbers(values: pa.Array) -> dict[str, Numbers]:
    """Return mean, Euclidean norm and random projections of vectors, of any lengths; NaN for null, empty or not finite."""
    names = ["mean", "norm", *(f"projection{number}" for number in range(1, PROJECTIONS + 1))]
    if values.null_count == len(values):
        return dict.fromkeys(names, np.full(len(values), np.nan))
    result = np.full((len(values), len(names)), np.nan)
    lengths = floats(pc.list_value_length(values))
    flat = floats(values.flatten())
    starts = np.cumsum(np.nan_to_num(lengths)) - np.nan_to_num(lengths)
    for length in np.unique(lengths[lengths > 0]).astype(int):
        rows = np.flatnonzero(lengths == length)
        matrix = flat[starts[rows].astype(np.intp)[:, None] + np.arange(length)]
        norm = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        result[rows] = np.column_stack([matrix.mean(axis=1), norm, matrix @ _signs(length)])
    # Single precision: the last bits depend on how many rows are multiplied at once, and could move a value over a bin's edge.
    result = result.astype(np.float32).astype(np.float64)
    return dict(zip(names, np.ascontiguousarray(result.T), strict=True))


@lru_cache(maxsize=8)
def _signs(length: int) -> Numbers:
    """Return fixed random signs over the root of the length, (length, `PROJECTIONS`) (Achlioptas 2003)."""
    drawn = [hashlib.sha256(str(place).encode()).digest()[:PROJECTIONS] for place in range(length)]
    signs = np.array([[byte % 2 for byte in digest] for digest in drawn], dtype=np.float64) * 2 - 1
    return np.asarray(signs / np.sqrt(length))


def _named(column: str, found: dict[str, Any]) -> Iterator[tuple[str, Numbers]]:
    for measure, values in found.items():
        yield f"{column}:{measure}", values
