"""One profile a day, segment and column: what a window is made of, without reading the day again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.store.bulk.day_batches import day_batches
from include.foundation.store.bulk.file_rows import files_by_day
from include.foundation.store.loop_files import names_in, read_file, write_file
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.drift.profiling.binning import bin_edges
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.columns import categories, encoded, numbers, sources, text_columns
from include.stages.drift.profiling.counting import CategoryCounts, Codes, Groups, NumberCounts
from include.stages.drift.profiling.vocabulary import BUCKETS, KIND, Vocabulary, seen_in

SAMPLE = 1 << 14
MOST_VALUES = 100_000
NO_BINS = [-np.inf, np.inf]


def _nowhere(_: str) -> list[float] | None:
    return None


@dataclass(frozen=True)
class Fixed:
    """What the first profiled rows fix for good, so that all days can be merged.

    Attributes
    ----------
    edges
        Bins by numeric column.
    vocabularies
        By text column.
    elsewhere
        Finds the bins of a column that ``edges`` lacks; None if it never had a value.
    """

    edges: dict[str, list[float]]
    vocabularies: dict[str, Vocabulary]
    elsewhere: Callable[[str], list[float] | None] = _nowhere


@dataclass(frozen=True)
class Grouping:
    """Values of a segment that are profiled on their own; rows of any other value are in the last group."""

    column: str
    values: list[str]

    @property
    def labels(self) -> list[str]:
        """Name of each group but the last: ``desk=eu``."""
        return [f"{self.column.removeprefix('segment_')}={value}" for value in self.values]

    def codes(self, batch: pa.RecordBatch) -> Codes:
        """Return the group of each row, (rows,)."""
        found = encoded(batch.column(self.column))
        places = {value: place for place, value in enumerate(self.values)}
        other = len(self.values)
        table = np.array([*(places.get(name, other) for name in found.dictionary.to_pylist()), other], dtype=np.intp)
        codes: Codes = table[pc.fill_null(found.indices, len(found.dictionary)).to_numpy()]
        return codes


class DayCounts:
    """Counts of one day, batch by batch; memory does not grow with the rows.

    Parameters
    ----------
    loop
        Names the inputs and segments.
    day
        ``YYYY-MM-DD``.
    fixed
        Bins and vocabularies; bins of a column met for the first time are set here by its first batch.
    groupings
        Segments profiled on their own.
    """

    def __init__(self, loop: Loop, day: str, fixed: Fixed, groupings: Sequence[Grouping]) -> None:
        self._loop, self._day, self._fixed, self._groupings = loop, day, fixed, groupings
        self._sizes = [1, *(len(grouping.values) + 1 for grouping in groupings)]
        self._rows = [np.zeros(size, dtype=np.int64) for size in self._sizes]
        self._counts: dict[str, NumberCounts | CategoryCounts | None] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch with the columns `include.stages.drift.profiling.columns.sources`."""
        groups: Groups = [None, *(grouping.codes(batch) for grouping in self._groupings)]
        self._rows[0] += batch.num_rows
        for number, codes in enumerate(groups[1:], start=1):
            self._rows[number] += np.bincount(np.asarray(codes), minlength=self._sizes[number])
        for name, values in numbers(self._loop, batch, self._fixed.vocabularies, self._day):
            self._add_numbers(name, values, groups)
        for name, labels in categories(self._loop, batch):
            counts = self._counts.setdefault(name, CategoryCounts(self._sizes))
            if isinstance(counts, CategoryCounts):
                counts.add(labels, groups)

    def profiles(self) -> list[Profile]:
        """Return the profiles of all rows together, and of each group."""
        found = [self._profile(name, 0, 0, ALL_ROWS) for name in self._counts]
        for number, grouping in enumerate(self._groupings, start=1):
            for group, label in enumerate(grouping.labels):
                found += [self._profile(name, number, group, label) for name in self._counts if name != grouping.column]
        return found

    def _add_numbers(self, name: str, values: NDArray[np.float64], groups: Groups) -> None:
        counts = self._counts.setdefault(name, None)
        if counts is None:
            if not np.isfinite(values).any():
                return
            if name not in self._fixed.edges:
                first = values[:: max(1, values.size // SAMPLE)]
                self._fixed.edges[name] = self._fixed.elsewhere(name) or bin_edges(first)
            counts = self._counts[name] = NumberCounts(self._fixed.edges[name], self._sizes)
        if isinstance(counts, NumberCounts):
            counts.add(values, groups)

    def _profile(self, name: str, grouping: int, group: int, segment: str) -> Profile:
        counts = self._counts[name] or NumberCounts(NO_BINS, self._sizes)
        return Profile(self._day, segment, name, int(self._rows[grouping][group]), counts.of_group(grouping, group))


def profile_days(store: LoopStore, interval: Interval) -> int:
    """Profile the days of an interval and return how many profiles were written; the same rows, the same profiles.

    A day whose files are those it was profiled from is not read again. The bins of a numeric column and the vocabulary of a
    text are fixed by the rows first profiled, so that days can be merged. The days are read batch by batch: memory does not
    grow with their rows.

    Raises
    ------
    StoreError
        If the days cannot be read or the profiles not be written.
    """
    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    there, origins = set(store.days("profiles")), _origins(store, interval.days, dataset)
    days = [day for day, origin in origins.items() if day not in there or not _is_profiled(store, day, origin)]
    if not days:
        return 0
    fixed = fixed_before(store)
    rows: list[dict[str, Any]] = []
    for day in days:
        _learn_words(store, day, fixed.vocabularies, dataset)
        counts = DayCounts(store.loop, day, fixed, groupings(store, day, dataset))
        for batch in day_batches(store, "predictions", day, sources(store.loop), dataset=dataset):
            counts.add(batch)
        rows += [profile.to_row() for profile in counts.profiles()]
    count = len(rows)
    rows += [words.to_row(column) for column, words in fixed.vocabularies.items() if words.day in days]
    store.replace_where("profiles", rows_of(store.loop, "profiles", rows), "day", days)
    for day in days:
        write_file(store, "/".join(_note(day)), origins[day])
    return count


def _origins(store: LoopStore, days: Sequence[str], dataset: Any) -> dict[str, str]:
    """Return of each day a digest of what its profiles are made from: its files, and what the loop file says of them."""
    loop, of_file = store.loop, files_by_day(dataset, days)
    inputs = {name: item.model_dump() for name, item in loop.inputs.items()}
    drift = loop.drift.model_dump(include={"segments", "most_segment_values"})
    files = {day: sorted(path for path, its_day in of_file.items() if its_day == day) for day in days}
    return {day: digest_of(inputs, loop.segments, loop.task.classes, drift, files[day]) for day in days}


def _note(day: str) -> tuple[str, str]:
    """Return the folder, one a month, and the name of the file that says what a day is profiled from."""
    return f"profiled/{day[:7]}", f"{day}.txt"


def _is_profiled(store: LoopStore, day: str, origin: str) -> bool:
    folder, name = _note(day)
    return name in names_in(store, folder) and read_file(store, f"{folder}/{name}").decode() == origin


def groupings(store: LoopStore, day: str, dataset: Any = None) -> list[Grouping]:
    """Return the segments of ``drift.segments`` with their most frequent values on a day, ties by name.

    A segment of more than `MOST_VALUES` values a day has none that is profiled on its own.
    """
    drift, loop = store.loop.drift, store.loop
    columns = [loop.segment_columns[name] for name in (loop.segments if drift.segments is None else drift.segments)]
    if not columns or drift.most_segment_values == 0:
        return []
    counts = {column: CategoryCounts([1], MOST_VALUES) for column in columns}
    for batch in day_batches(store, "predictions", day, columns, dataset=dataset):
        for column in columns:
            counts[column].add(encoded(batch.column(column)), [None])
    return [Grouping(column, found.most_frequent(drift.most_segment_values)) for column, found in counts.items()]


def fixed_before(store: LoopStore) -> Fixed:
    """Return the bins and vocabularies that earlier profiles have fixed, reading one day where that suffices."""
    days = store.days("profiles")
    vocabularies: dict[str, Vocabulary] = {}
    if days and text_columns(store.loop):
        found = store.read("profiles", columns=["day", "column", "counts"], filters=[("kind", "=", KIND)])
        for row in found.to_pylist():
            column = row["column"].removesuffix(f":{KIND}")
            vocabularies.setdefault(column, Vocabulary(row["day"], np.array(row["counts"])))
    return Fixed(_edges(store, [("day", "in", days[-1:])]), vocabularies, partial(_fixed_once, store))


def _fixed_once(store: LoopStore, column: str) -> list[float] | None:
    return _edges(store, [("column", "=", column)]).get(column)


def _edges(store: LoopStore, where: Filter) -> dict[str, list[float]]:
    """Return the bins of numeric columns that had a value."""
    wanted = [("kind", "=", "numeric"), ("segment", "=", ALL_ROWS), *where]
    rows = store.read("profiles", columns=["column", "edges"], filters=wanted)
    rows = rows.filter(pc.greater(pc.list_value_length(rows.column("edges")), len(NO_BINS)))
    return dict(zip(rows.column("column").to_pylist(), rows.column("edges").to_pylist(), strict=True))


def _learn_words(store: LoopStore, day: str, vocabularies: dict[str, Vocabulary], dataset: Any) -> None:
    """Make the vocabularies that are not there yet of the day's texts; a day without words makes none."""
    for column in text_columns(store.loop):
        if column in vocabularies:
            continue
        texts = np.zeros(BUCKETS, dtype=np.int64)
        for batch in day_batches(store, "predictions", day, [column], dataset=dataset):
            seen_in(texts, batch.column(column))
        if texts.any():
            vocabularies[column] = Vocabulary(day, texts)
