"""The profiles of one day, counted batch by batch: of all rows together and of each segment value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.statistics.calibrated_confidence import CONFIDENCE_EDGES
from include.stages.drift.profiling.binning import BINS, bin_edges
from include.stages.drift.profiling.column_profile import NO_BINS, Profile
from include.stages.drift.profiling.columns import category_columns, dictionary_encoded, floats, number_columns
from include.stages.drift.profiling.counting import CategoryCounts, Codes, Groups, NumberCounts
from include.stages.drift.profiling.profile_basis import ProfileBasis
from include.stages.drift.profiling.versions import BY, CONFIDENCE, PREDICTED, rows_of_version

SAMPLE = 1 << 14


@dataclass(frozen=True)
class Grouping:
    """The values of one segment that have profiles of their own; rows with another value are in one last group."""

    column: str
    values: list[str]

    @property
    def labels(self) -> list[str]:
        """Segment values as ``desk=eu``: a label for each group but the last."""
        return [f"{self.column.removeprefix('segment_')}={value}" for value in self.values]

    def codes(self, batch: pa.RecordBatch) -> Codes:
        """Return the group of each row, (rows,)."""
        column = dictionary_encoded(batch.column(self.column))
        group_of = {value: group for group, value in enumerate(self.values)}
        last = len(self.values)
        groups = np.array([*(group_of.get(name, last) for name in column.dictionary.to_pylist()), last], dtype=np.intp)
        codes: Codes = groups[pc.fill_null(column.indices, len(column.dictionary)).to_numpy()]
        return codes


class DayCounts:
    """Counts of one day's rows, added batch by batch; memory does not grow with the number of rows.

    Parameters
    ----------
    loop
        Declares inputs and segments.
    day
        ``YYYY-MM-DD``.
    basis
        Bins and vocabularies; the first values of a column without bins set its bins there.
    groupings
        Segments whose values have profiles of their own.
    version
        Model version whose predictions and confidence are counted, in its rows alone; by default inputs and segments are.
    """

    def __init__(
        self, loop: Loop, day: str, basis: ProfileBasis, groupings: Sequence[Grouping], version: str | None = None
    ) -> None:
        self._loop, self._day, self._basis, self._groupings, self._version = loop, day, basis, groupings, version
        self._sizes = [1, *(len(grouping.values) + 1 for grouping in groupings)]
        self._rows = [np.zeros(size, dtype=np.int64) for size in self._sizes]
        self._counts: dict[str, NumberCounts | CategoryCounts | None] = {}
        self._waiting: dict[str, list[tuple[NDArray[np.float64], Groups]]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch that has the columns `source_columns`, and for a version ``model_version``."""
        if self._version is not None:
            batch = rows_of_version(batch, self._version)
        groups: Groups = [None, *(grouping.codes(batch) for grouping in self._groupings)]
        self._rows[0] += batch.num_rows
        for number, codes in enumerate(groups[1:], start=1):
            self._rows[number] += np.bincount(np.asarray(codes), minlength=self._sizes[number])
        for name, values in self._numbers(batch):
            self._add_numbers(name, values, groups)
        for name, labels in self._categories(batch):
            counts = self._counts.setdefault(name, CategoryCounts(self._sizes))
            if isinstance(counts, CategoryCounts):
                counts.add(labels, groups)

    def profiles(self) -> list[Profile]:
        """Return the profiles of all rows together, then those of each segment value.

        A column that has no bins yet, and on this day too few values to set them, is counted in a single one.
        """
        for name, batches in self._waiting.items():
            counts = self._counts[name] = NumberCounts(list(NO_BINS), self._sizes)
            for values, groups in batches:
                counts.add(values, groups)
        profiles = [self._profile(name, 0, 0, ALL_ROWS) for name in self._counts]
        for number, grouping in enumerate(self._groupings, start=1):
            names = [name for name in self._counts if name != grouping.column]
            for group, segment in enumerate(grouping.labels):
                profiles += [self._profile(name, number, group, segment) for name in names]
        return profiles

    def _numbers(self, batch: pa.RecordBatch) -> Iterable[tuple[str, NDArray[np.float64]]]:
        if self._version is None:
            return number_columns(self._loop, batch, self._basis.vocabularies, self._day)
        return [(f"{CONFIDENCE}{BY}{self._version}", floats(batch.column(CONFIDENCE)))]

    def _categories(self, batch: pa.RecordBatch) -> Iterable[tuple[str, pa.DictionaryArray]]:
        if self._version is None:
            return category_columns(self._loop, batch)
        return [(f"{PREDICTED}{BY}{self._version}", dictionary_encoded(batch.column(PREDICTED)))]

    def _add_numbers(self, name: str, values: NDArray[np.float64], groups: Groups) -> None:
        counts = self._counts.setdefault(name, None)
        if counts is None and np.isfinite(values).any():
            waiting = self._waiting.setdefault(name, [])
            waiting.append((values, groups))
            edges = self._edges(name, np.concatenate([batch for batch, _ in waiting]))
            if edges is None:
                return
            counts = self._counts[name] = NumberCounts(edges, self._sizes)
            for batch, of_row in self._waiting.pop(name):
                counts.add(batch, of_row)
        elif isinstance(counts, NumberCounts):
            counts.add(values, groups)

    def _edges(self, name: str, values: NDArray[np.float64]) -> list[float] | None:
        """Return the bin edges of a column; the first day with a value for each bin sets them. None before."""
        if self._version is not None:
            return CONFIDENCE_EDGES
        edges = self._basis.edges
        bins = edges.get(name) or self._basis.find_edges(name)
        if bins is None and np.isfinite(values).sum() >= BINS:
            bins = bin_edges(values[:: max(1, values.size // SAMPLE)])
        if bins is not None:
            edges[name] = bins
        return bins

    def _profile(self, name: str, grouping: int, group: int, segment: str) -> Profile:
        counts = self._counts[name] or NumberCounts(list(NO_BINS), self._sizes)
        return Profile(self._day, segment, name, int(self._rows[grouping][group]), counts.of_group(grouping, group))
