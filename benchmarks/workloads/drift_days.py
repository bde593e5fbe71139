"""Predictions as the product stores them, with 27 watched columns, for benchmarks that compare days."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.store.bulk.appending import add_files, write_day
from include.foundation.store.tables import LoopStore

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
NUMERIC, CATEGORICAL = 20, 5
CLASSES = ["a", "b", "c", "d"]
BATCH = 1 << 16
TEXTS = ("model_version", "predicted", "user_key", "source", *(f"input_c{place}" for place in range(CATEGORICAL)))


def drift_store(folder: Path) -> LoopStore:
    """Return the store of a loop with twenty numbers and five categories, below ``folder``."""
    numbers = {f"n{place}": {"type": "numeric"} for place in range(NUMERIC)}
    categories = {f"c{place}": {"type": "categorical"} for place in range(CATEGORICAL)}
    loop = Loop.model_validate(
        {
            "name": "drift",
            "owner": "benchmarks",
            "description": "Compare days.",
            "task": {"kind": "classification", "classes": CLASSES},
            "inputs": numbers | categories,
            "logs": {"uri": str(folder / "logs")},
            "training": {"factory": "include.factories:table_classifier", "seed_labels": None},
        }
    )
    return LoopStore(loop, str(folder))


def days(first: int, last: int) -> Interval:
    """Return the interval from one day to another, both counted from 0 and included."""
    return Interval(FIRST_DAY + timedelta(days=first), FIRST_DAY + timedelta(days=last + 1))


def write_days(store: LoopStore, count: int, rows: int, copies: int = 1) -> None:
    """Write ordinary days.

    Parameters
    ----------
    store
        Of `drift_store`.
    count
        Number of days, all different.
    rows
        Rows of each file.
    copies
        Files of each day: links to one file, so that much to read is made quickly.
    """
    for number in range(count):
        day = days(number, number).days[0]
        file = write_day(store, "predictions", day, _batches(store, number, rows), TEXTS)
        if file is None:
            continue
        files = [file]
        for copy in range(1, copies):
            path = file.path.replace(".parquet", f"-{copy}.parquet")
            os.link(Path(store.uri, "predictions", file.path), Path(store.uri, "predictions", path))
            files.append(replace(file, path=path))
        add_files(store, "predictions", files, store.version("predictions"))


def snapshot(source: Path, target: Path) -> Path:
    """Copy a store; Parquet files are never changed, so they are linked."""

    def copy(old: str, new: str) -> None:
        os.link(old, new) if old.endswith(".parquet") else shutil.copyfile(old, new)

    return Path(shutil.copytree(source, target, copy_function=copy))


def write_frames(store: LoopStore, reference: Interval, current: Interval, path: Path) -> None:
    """Write what `benchmarks.peers.frames` reads: the files and columns of two windows.

    Parameters
    ----------
    store
        Of `drift_store`.
    reference, current
        The two windows.
    path
        The JSON file.
    """
    frames: dict[str, Any] = {"reference": files_of(store, reference), "current": files_of(store, current)}
    frames["numeric"] = [*(f"input_n{place}" for place in range(NUMERIC)), "confidence"]
    frames["categorical"] = [*(f"input_c{place}" for place in range(CATEGORICAL)), "predicted"]
    path.write_text(json.dumps(frames))


def files_of(store: LoopStore, interval: Interval) -> list[str]:
    """Return the files of some days."""
    folder = Path(store.uri, "predictions")
    return [str(path) for day in interval.days for path in sorted((folder / f"day={day}").glob("*.parquet"))]


def _batches(store: LoopStore, number: int, rows: int) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([field for field in store.schema("predictions") if field.name != "day"])
    for first in range(0, rows, BATCH):
        count = min(BATCH, rows - first)
        columns = _columns(np.random.default_rng((number, first)), number, first, count)
        arrays = [columns.get(field.name, pa.nulls(count, field.type)).cast(field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _columns(generator: np.random.Generator, number: int, first: int, count: int) -> dict[str, pa.Array]:
    """Return a batch: half of the numbers normal, half skewed; five to fifty categories, unevenly frequent."""
    place = np.arange(first, first + count)
    start = np.datetime64(FIRST_DAY.replace(tzinfo=None), "us") + np.timedelta64(number, "D")
    trace = pc.binary_join_element_wise(f"trace-{number}", pa.array(place).cast(pa.string()), "-")
    columns: dict[str, pa.Array] = {
        "trace_id": trace,
        "ts": pa.array(start + place * 1000).cast(pa.timestamp("us", tz="UTC")),
        "model_version": _constant("1", count),
        "source": _constant("log.jsonl", count),
        "predicted": pa.DictionaryArray.from_arrays(generator.integers(0, len(CLASSES), count), pa.array(CLASSES)),
        "confidence": pa.array(generator.beta(6, 2, count)),
    }
    for column in range(NUMERIC):
        values = generator.normal(size=count)
        columns[f"input_n{column}"] = pa.array(values if column % 2 else np.exp(values))
    for column, kinds in zip(range(CATEGORICAL), (5, 10, 20, 30, 50), strict=True):
        drawn = np.floor(kinds * generator.random(count) ** 2).astype(np.int64)
        names = pa.array([f"kind {kind}" for kind in range(kinds)])
        columns[f"input_c{column}"] = pa.DictionaryArray.from_arrays(drawn, names)
    return columns


def _constant(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int8), pa.array([text]))
