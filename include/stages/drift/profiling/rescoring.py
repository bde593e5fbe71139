"""Lets a new model version predict a sample of the reference days' stored inputs, so that its ordinary days exist at once."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.columns import source_columns
from include.stages.drift.profiling.day_counts import DayCounts
from include.stages.drift.profiling.profile_basis import ProfileBasis
from include.stages.drift.profiling.profiles import groupings
from include.stages.drift.profiling.versions import CONFIDENCE, PREDICTED, VERSION, served_versions

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

SAMPLE = 2000  # rows of a day
HASHES = 1 << 32


def profile_version(
    store: LoopStore, version: str, days: Sequence[str], load: Callable[[], "LoadedModel | None"]
) -> int:
    """Store what a version says of some days, as if it had served them, and return of how many.

    Parameters
    ----------
    store
        Tables of the loop.
    version
        Model version.
    days
        Days without profiles of it, ``YYYY-MM-DD``.
    load
        Returns its model, or None if there is none; called at most once, and only if it served one of the days too little.

    Notes
    -----
    What it predicted itself is counted. Of other days it is asked for about two thousand rows, chosen by a hash of their trace
    ids: so the same rows are chosen again, and the work does not grow with traffic, but for reading the days once.
    """
    models: list[LoadedModel | None] = []
    rows: list[dict[str, Any]] = []
    profiled = 0
    for day in days:
        counts = DayCounts(store.loop, day, ProfileBasis({}, {}), groupings(store, day), version)
        if version in served_versions(store, day):
            batches = day_batches(store, "predictions", day, [*source_columns(store.loop), VERSION])
        else:
            models = models or [load()]
            if models[0] is None:
                continue
            batches = _rescored(store, day, version, models[0])
        for batch in batches:
            counts.add(batch)
        rows += [profile.to_row() for profile in counts.profiles()]
        profiled += 1
    store.append_new("profiles", rows_of(store.loop, "profiles", rows), among=[("day", "in", list(days))])
    return profiled


def _rescored(store: LoopStore, day: str, version: str, model: "LoadedModel") -> Iterator[pa.RecordBatch]:
    """Yield a sample of a day's rows with what the model says of them."""
    columns = ["trace_id", *source_columns(store.loop)]
    total = sum(batch.num_rows for batch in day_batches(store, "predictions", day, ["trace_id"]))
    below = HASHES * SAMPLE // max(total, 1)
    for batch in day_batches(store, "predictions", day, columns):
        chosen = [zlib.crc32(name.encode()) < below for name in batch.column("trace_id").to_pylist()]
        rows = pa.Table.from_batches([batch.filter(pa.array(chosen, pa.bool_()))])
        predicted, probabilities = model.predict(rows)
        said = {
            PREDICTED: pa.array(predicted.tolist(), pa.string()),
            CONFIDENCE: pa.array(probabilities.max(axis=1), pa.float64()),
            VERSION: pa.array([version] * rows.num_rows, pa.string()),
        }
        for name, values in said.items():
            place = rows.schema.get_field_index(name)
            rows = rows.append_column(name, values) if place < 0 else rows.set_column(place, name, values)
        yield from rows.combine_chunks().to_batches()
