"""What is watched of a model's predictions, for each model version apart: each is confident, and predicts, in its own way."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.columns import dictionary_encoded
from include.stages.drift.profiling.counting import CategoryCounts

CONFIDENCE, PREDICTED, VERSION = "confidence", "predicted", "model_version"
BY = "@"  # between what is watched and the version that said it
SMALLEST_SHARE = 0.1  # of a day's rows: a version that served fewer has no profiles of that day
MOST_VERSIONS = 100_000

Profiles = Mapping[tuple[str, str], list[Profile]]


def served_versions(store: LoopStore, day: str, dataset: Any = None) -> list[str]:
    """Return the versions that served a tenth of a day's rows, most rows first; at least the one that served most.

    Parameters
    ----------
    store
        Tables of the loop.
    day
        ``YYYY-MM-DD``.
    dataset
        Files of the table ``predictions``; None opens it.
    """
    counts = CategoryCounts([1], MOST_VERSIONS)
    for batch in day_batches(store, "predictions", day, [VERSION], dataset=dataset):
        counts.add(dictionary_encoded(batch.column(VERSION)), [None])
    served = counts.of_group(0, 0)
    rows, total = dict(zip(served.categories, served.counts, strict=True)), sum(served.counts)
    names = counts.most_frequent(int(1 / SMALLEST_SHARE))
    return names[:1] + [name for name in names[1:] if rows[name] >= SMALLEST_SHARE * total]


def rows_of_version(batch: pa.RecordBatch, version: str) -> pa.RecordBatch:
    """Return the rows of a batch that a version predicted."""
    served = dictionary_encoded(batch.column(VERSION))
    return (
        batch
        if served.dictionary.to_pylist() == [version]
        else batch.filter(pc.equal(served.cast(pa.string()), version))
    )


def window_version(current: Profiles) -> str | None:
    """Return the version that predicted most rows of a window; None if its days were profiled without telling them apart."""
    rows = {
        column.partition(BY)[2]: sum(day.rows for day in days)
        for (segment, column), days in current.items()
        if segment == ALL_ROWS and column.startswith(f"{PREDICTED}{BY}")
    }
    return max(sorted(rows), key=rows.__getitem__, default=None)


def with_one_version(current: Profiles, *others: Profiles) -> list[dict[tuple[str, str], list[Profile]]]:
    """Return profiles by segment and column, of predictions and confidence those of the window's version alone.

    They are then under the names ``predicted`` and ``confidence``. Where the window's days were profiled before versions were
    told apart, it is those of all versions together, as then.

    Parameters
    ----------
    current, *others
        Profiles of the days of the window, and of other days.
    """
    version = window_version(current)
    return [dict(_of_version(profiles, version)) for profiles in (current, *others)]


def _of_version(profiles: Profiles, version: str | None) -> Iterator[tuple[tuple[str, str], list[Profile]]]:
    for (segment, column), days in profiles.items():
        name, _, served_by = column.partition(BY)
        if name not in {CONFIDENCE, PREDICTED}:
            yield (segment, column), days
        elif served_by == (version or ""):
            yield (segment, name), days
