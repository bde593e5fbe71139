"""Profiles the days of an interval into the table ``profiles``, each day once, so that no window is read again."""

from collections.abc import Sequence
from typing import Any

from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.bulk.file_rows import files_by_day
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.columns import dictionary_encoded, source_columns, watched_segments
from include.stages.drift.profiling.counting import CategoryCounts
from include.stages.drift.profiling.day_counts import DayCounts, Grouping
from include.stages.drift.profiling.profile_basis import learn_words, stored_basis
from include.stages.drift.profiling.served_counts import ServedCounts
from include.stages.drift.profiling.versions import VERSION, served_versions

MOST_VALUES = 100_000


def profile_days(store: LoopStore, interval: Interval) -> int:
    """Profile the days of an interval and return how many profiles were written; equal rows give equal profiles.

    A day is read only if its files, or what the loop file watches of it, have changed since it was profiled. Days are read
    batch by batch, so memory does not grow with their rows.

    Raises
    ------
    StoreError
        If the days cannot be read or the profiles not be written.
    """
    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    stored, origins = set(store.days("profiles")), _origins(store, interval.days, dataset)
    days = [day for day, origin in origins.items() if day not in stored or not _is_profiled(store, day, origin)]
    if not days:
        return 0
    basis = stored_basis(store)
    rows: list[dict[str, Any]] = []
    for day in days:
        learn_words(store, day, basis, dataset)
        grouped, versions = groupings(store, day, dataset), served_versions(store, day, dataset)
        counts = [DayCounts(store.loop, day, basis, grouped, version) for version in (None, *versions)]
        served = ServedCounts(day, grouped)
        for batch in day_batches(store, "predictions", day, [*source_columns(store.loop), VERSION], dataset=dataset):
            served.add(batch)
            for each in counts:
                each.add(batch)
        rows += [*(profile.to_row() for each in counts for profile in each.profiles()), *served.rows()]
    store.replace_where("profiles", rows_of(store.loop, "profiles", rows), "day", days)
    for day in days:
        write_file(store, "/".join(_origin_file(day)), origins[day])
    return len(rows)


def _origins(store: LoopStore, days: Sequence[str], dataset: Any) -> dict[str, str]:
    """Return for each day a digest of what its profiles depend on: its files, and what the loop file watches."""
    loop, of_file = store.loop, files_by_day(dataset, days)
    inputs = {name: item.model_dump() for name, item in loop.inputs.items()}
    drift = loop.drift.model_dump(include={"segments", "most_segment_values"})
    files = {day: sorted(path for path, its_day in of_file.items() if its_day == day) for day in days}
    return {day: digest_of(inputs, loop.segments, drift, files[day]) for day in days}


def _origin_file(day: str) -> tuple[str, str]:
    """Return folder, one for each month, and name of the file that holds the digest a day was profiled from."""
    return f"profiled/{day[:7]}", f"{day}.txt"


def _is_profiled(store: LoopStore, day: str, origin: str) -> bool:
    folder, name = _origin_file(day)
    return name in names_in(store, folder) and read_file(store, f"{folder}/{name}").decode() == origin


def groupings(store: LoopStore, day: str, dataset: Any = None) -> list[Grouping]:
    """Return the segments of ``drift.segments`` with their most frequent values on a day, ties by name.

    Parameters
    ----------
    store
        Tables of the loop.
    day
        ``YYYY-MM-DD``.
    dataset
        Files of the table ``predictions``; None opens it.

    Returns
    -------
    list of Grouping
        At most ``drift.most_segment_values`` values a segment, and none of a segment with more than `MOST_VALUES` values.
    """
    columns, most = list(watched_segments(store.loop).values()), store.loop.drift.most_segment_values
    if not columns or most == 0:
        return []
    counts = {column: CategoryCounts([1], MOST_VALUES) for column in columns}
    for batch in day_batches(store, "predictions", day, columns, dataset=dataset):
        for column in columns:
            counts[column].add(dictionary_encoded(batch.column(column)), [None])
    return [Grouping(column, counts[column].most_frequent(most)) for column in columns]
