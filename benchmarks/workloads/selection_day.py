"""A day of predictions to select from: a text, ten probabilities and a 64-dimensional embedding a row; a tenth repeats."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.bulk.appending import add_files, write_day
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

DAY = datetime(2026, 1, 5, tzinfo=UTC)
INTERVAL = Interval(DAY, DAY + timedelta(days=1))
CLASSES = [f"class {place}" for place in range(10)]
DIMENSIONS, KINDS = 64, 200
BUDGET = 1_000
REPEATED = 10  # rows of which one says what another one says
BATCH = 1 << 16
TEXTS = ("model_version", "predicted", "source", "taxonomy")


def selection_store(folder: Path) -> LoopStore:
    """Return the store of a loop that reads a text and logs an embedding, below ``folder``."""
    loop = {
        "name": "selection",
        "owner": "benchmarks",
        "description": "Choose from a day.",
        "task": {"kind": "classification", "classes": CLASSES},
        "inputs": {"text": {"type": "text"}},
        "logs": {"uri": str(folder / "logs")},
        "training": {"factory": "include.factories:text_classifier", "seed_labels": None},
        "selection": {"budget": BUDGET},
    }
    return LoopStore(Loop.model_validate(loop), str(folder))


def write_predictions(store: LoopStore, rows: int, copies: int = 1) -> None:
    """Write a day.

    Parameters
    ----------
    store
        Of `selection_store`.
    rows
        Rows of each file.
    copies
        Files of the day: links to one file, so that much to read is made quickly. Their rows have the same trace ids.
    """
    file = write_day(store, "predictions", INTERVAL.days[0], _batches(store, rows), TEXTS)
    if file is None:
        return
    files = [file]
    for copy in range(1, copies):
        path = file.path.replace(".parquet", f"-{copy}.parquet")
        os.link(Path(store.uri, "predictions", file.path), Path(store.uri, "predictions", path))
        files.append(replace(file, path=path))
    add_files(store, "predictions", files, store.version("predictions"))


def _batches(store: LoopStore, rows: int) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([field for field in store.schema("predictions") if field.name != "day"])
    taxonomy = Taxonomy.of(store.loop.task).digest
    for first in range(0, rows, BATCH):
        count = min(BATCH, rows - first)
        columns = _columns(np.random.default_rng(first), first, count, taxonomy)
        arrays = [columns.get(field.name, pa.nulls(count, field.type)).cast(field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _columns(generator: np.random.Generator, first: int, count: int, taxonomy: str) -> dict[str, pa.Array]:
    """Return a batch: rows of a kind are alike, and a row that repeats another one has its text, chances and embedding."""
    centres = np.random.default_rng(0).normal(size=(KINDS, DIMENSIONS))
    kind = generator.integers(0, KINDS, count)
    source = np.where(generator.random(count) < 1 / REPEATED, generator.integers(0, count, count), np.arange(count))
    logits = np.random.default_rng(1).normal(size=(KINDS, len(CLASSES)))[kind] * 2 + generator.normal(
        size=(count, len(CLASSES))
    )
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = (chances / chances.sum(axis=1, keepdims=True))[source]
    embedding = (centres[kind] + generator.normal(size=(count, DIMENSIONS)) / 2)[source].astype(np.float32)
    place = first + np.arange(count)
    start = np.datetime64(DAY.replace(tzinfo=None), "us")
    return {
        "trace_id": pc.binary_join_element_wise("trace", pa.array(place).cast(pa.string()), "-"),
        "ts": pa.array(start + place * 1000).cast(pa.timestamp("us", tz="UTC")),
        "model_version": _constant("1", count),
        "source": _constant("log.jsonl", count),
        "taxonomy": _constant(taxonomy, count),
        "predicted": pa.DictionaryArray.from_arrays(chances.argmax(axis=1), pa.array(CLASSES)),
        "confidence": pa.array(chances.max(axis=1)),
        "probabilities": _lists(chances),
        "embedding": _lists(embedding),
        "input_text": pc.binary_join_element_wise(
            "please look at order", pa.array(first + source).cast(pa.string()), "of kind",
            pa.array(kind[source]).cast(pa.string()), "which came late", " ",
        ),
    }  # fmt: skip


def _lists(array: NDArray[np.floating]) -> pa.Array:
    offsets = np.arange(0, array.size + 1, array.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(array.ravel()))


def _constant(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int8), pa.array([text]))
