"""The columns that drift watches, computed from stored predictions: columns of numbers and columns of categories."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.stages.drift.profiling.vocabulary import Vocabulary, text_numbers

PROJECTIONS = 4
LARGEST = float(np.finfo(np.float32).max)
Numbers = NDArray[np.float64]


def source_columns(loop: Loop) -> list[str]:
    """Return the columns of the table ``predictions`` from which the watched columns are computed."""
    return ["confidence", "predicted", "embedding", *loop.segment_columns.values(), *loop.input_columns.values()]


def watched_segments(loop: Loop) -> dict[str, str]:
    """Return the columns of the segments that drift watches on their own, by name."""
    names = loop.segments if loop.drift.segments is None else loop.drift.segments
    return {name: loop.segment_columns[name] for name in names}


def text_columns(loop: Loop) -> list[str]:
    """Return the stored columns that hold texts."""
    return [f"input_{name}" for name, item in loop.inputs.items() if item.type == "text"]


def category_columns(loop: Loop, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.DictionaryArray]]:
    """Yield name and values of the watched columns of categories: segments and categorical inputs."""
    inputs = [f"input_{name}" for name, item in loop.inputs.items() if item.type == "categorical"]
    for column in [*loop.segment_columns.values(), *inputs]:
        yield column, dictionary_encoded(batch.column(column))


def number_columns(
    loop: Loop, batch: pa.RecordBatch, vocabularies: Mapping[str, Sequence[Vocabulary]], day: str
) -> Iterator[tuple[str, Numbers]]:
    """Yield name and values of the watched columns of numbers: float64, (rows,), NaN for a missing value.

    Numeric inputs are watched as they are; a text by its length in characters and in words, and by the share
    of its words that are not in the vocabulary; a vector and the embedding by mean, norm and four fixed random projections.

    Parameters
    ----------
    loop
        Declares the inputs.
    batch
        Rows of the table ``predictions`` with the columns `source_columns`.
    vocabularies
        By text column; a share of unknown words is watched for each.
    day
        Day of the rows, ``YYYY-MM-DD``.
    """
    yield from _named_measures("embedding", vector_numbers(batch.column("embedding")))
    for name, item in loop.inputs.items():
        column = f"input_{name}"
        values = batch.column(column)
        if item.type == "numeric":
            yield column, floats(values)
        elif item.type == "text":
            yield from _named_measures(column, text_numbers(values, vocabularies.get(column, ()), day))
        elif item.type == "vector":
            yield from _named_measures(column, vector_numbers(values))


def dictionary_encoded(values: pa.Array) -> pa.DictionaryArray:
    """Return a column of strings in dictionary encoding; as it is if it already is."""
    return values if isinstance(values, pa.DictionaryArray) else values.cast(pa.string()).dictionary_encode()


def floats(values: pa.Array) -> Numbers:
    """Return a float column as an array with NaN for null; no copy is made where there is no null."""
    numbers: Numbers = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return numbers


def vector_numbers(values: pa.Array) -> dict[str, Numbers]:
    """Return mean, Euclidean norm and random projections of vectors of any lengths; NaN if null, empty or with a null in it."""
    names = ["mean", "norm", *(f"projection{number}" for number in range(1, PROJECTIONS + 1))]
    if values.null_count == len(values):
        return dict.fromkeys(names, np.full(len(values), np.nan))
    measures = np.full((len(values), len(names)), np.nan)
    lengths = floats(pc.list_value_length(values))
    flat = floats(values.flatten())
    starts = np.cumsum(np.nan_to_num(lengths)) - np.nan_to_num(lengths)
    for length in np.unique(lengths[lengths > 0]).astype(int):
        rows = np.flatnonzero(lengths == length)
        matrix = np.clip(flat[starts[rows].astype(np.intp)[:, None] + np.arange(length)], -LARGEST, LARGEST)
        with np.errstate(over="ignore", invalid="ignore"):
            norm = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
            measures[rows] = np.column_stack([matrix.mean(axis=1), norm, matrix @ _signs(length)])
    # Single precision: the last bits depend on how many rows are multiplied at once, and could move a value to another bin.
    measures = np.clip(measures, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
    return dict(zip(names, np.ascontiguousarray(measures.T), strict=True))


@lru_cache(maxsize=8)
def _signs(length: int) -> Numbers:
    """Return fixed random signs, divided by the root of the length, (length, `PROJECTIONS`) (Achlioptas 2003)."""
    digests = [hashlib.sha256(str(place).encode()).digest()[:PROJECTIONS] for place in range(length)]
    signs = np.array([[byte % 2 for byte in digest] for digest in digests], dtype=np.float64) * 2 - 1
    return np.asarray(signs / np.sqrt(length))


def _named_measures(column: str, measures: dict[str, Numbers]) -> Iterator[tuple[str, Numbers]]:
    for measure, values in measures.items():
        yield f"{column}:{measure}", values
