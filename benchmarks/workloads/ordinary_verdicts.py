"""A loop that has ordinary days only, and its daily drift verdicts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.workloads.drift_days import CLASSES, FIRST_DAY, days
from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.detection import detect_drift
from include.stages.drift.profiling.binning import bin_edges
from include.stages.drift.profiling.column_profile import Counts, Profile
from include.stages.drift.profiling.counting import CategoryCounts, NumberCounts

REFERENCE_DAYS, ROWS, LABELS, EFFECT = 28, 400, 20, 0.1
NUMBERS = [f"n{place}" for place in range(6)]
SEGMENTS = (ALL_ROWS, "desk=eu", "desk=us")
EDGES = bin_edges(np.random.default_rng(0).normal(size=10_000))
CONFIDENCE_EDGES = [-np.inf, *np.linspace(0.05, 0.95, 19).tolist(), np.inf]


def daily_verdicts(folder: Path, windows: int, generator: np.random.Generator) -> Iterator[DriftVerdict]:
    """Yield the verdict of each day after the reference days of a new loop.

    Parameters
    ----------
    folder
        Where the loop's store is written.
    windows
        Number of days judged.
    generator
        Source of randomness.
    """
    loop = Loop.model_validate(
        {
            "name": "ordinary", "owner": "benchmarks", "description": "Nothing happens.",
            "task": {"kind": "classification", "classes": CLASSES}, "inputs": {name: {"type": "numeric"} for name in NUMBERS},
            "segments": ["desk"], "logs": {"uri": str(folder / "logs")}, "drift": {"reference_days": REFERENCE_DAYS},
            "training": {"factory": "include.factories:table_classifier", "seed_labels": None},
        }
    )  # fmt: skip
    store, numbers = LoopStore(loop, str(folder / "store")), range(REFERENCE_DAYS + windows)
    profiles = [profile.to_row() for number in numbers for profile in profiles_of(number, generator)]
    store.append_new("profiles", rows_of(loop, "profiles", profiles))
    labels = [row for number in numbers for row in labels_of(number, generator)]
    store.append_new("labels", rows_of(loop, "labels", labels))
    for number in numbers[REFERENCE_DAYS:]:
        yield detect_drift(store, days(number, number))


def profiles_of(number: int, generator: np.random.Generator) -> list[Profile]:
    """Return the profiles of a day whose columns, confidence and mix of classes are moved by draws of sd `EFFECT`."""
    day, profiles = days(number, number).days[0], []
    for segment in SEGMENTS:
        for name in NUMBERS:
            drawn = generator.normal(generator.normal(0, EFFECT), 1, ROWS)
            profiles.append(Profile(day, segment, f"input_{name}", ROWS, _numeric(drawn, EDGES)))
        confidences = generator.normal(0.8 + generator.normal(0, EFFECT / 10), 0.1, ROWS).clip(0, 1)
        profiles.append(Profile(day, segment, "confidence", ROWS, _numeric(confidences, CONFIDENCE_EDGES)))
        counts = CategoryCounts([1])
        counts.add(pa.array(_classes(ROWS, generator)).dictionary_encode(), [None])
        profiles.append(Profile(day, segment, "predicted", ROWS, counts.of_group(0, 0)))
    return profiles


def labels_of(number: int, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Return labels of a day's random rows, with a mix of classes of its own."""
    moment = FIRST_DAY + timedelta(days=number, hours=1)
    fixed = {
        "decided_by": "majority", "origin": "annotation", "split": "holdout", "stratum": "random", "model_version": "1",
        "inclusion_probability": LABELS / ROWS, "ts": moment, "decided_at": moment + timedelta(hours=1), "segment_desk": "eu",
    }  # fmt: skip
    keys = ("label_id", "request_id", "trace_id", "content_key")
    return [
        fixed | dict.fromkeys(keys, f"{number}-{place}") | {"label": name, "predicted": name}
        for place, name in enumerate(_classes(LABELS, generator))
    ]


def _numeric(values: NDArray[np.float64], edges: list[float]) -> Counts:
    counts = NumberCounts(list(edges), [1])
    counts.add(values, [None])
    return counts.of_group(0, 0)


def _classes(count: int, generator: np.random.Generator) -> list[str]:
    shares = np.exp(generator.normal(0, EFFECT, len(CLASSES)))
    return [str(name) for name in generator.choice(CLASSES, count, p=shares / shares.sum())]
