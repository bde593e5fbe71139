"""How many rows of a day each version served, by class and by bin of confidence: what estimates of accuracy rest on."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.statistics.calibrated_confidence import CONFIDENCE_EDGES, confidence_bins
from include.foundation.store.ledgers.served_confidence import KIND, SERVED, category_of
from include.stages.drift.profiling.columns import dictionary_encoded, floats
from include.stages.drift.profiling.day_counts import Grouping
from include.stages.drift.profiling.versions import CONFIDENCE, PREDICTED, VERSION

BINS = len(CONFIDENCE_EDGES) - 1
MOST_COUNTED = 1 << 20  # cells, that are counted without sorting
Codes = NDArray[np.int64]
Key = tuple[str, str]


class ServedCounts:
    """Counts of one day's rows, added batch by batch: of all by version, class and bin, of segment values by version and bin.

    Unlike profiles of predictions, which a version that served little may be asked for, they are of what was served alone.

    Parameters
    ----------
    day
        ``YYYY-MM-DD``.
    groupings
        Segments whose values are counted on their own.
    """

    def __init__(self, day: str, groupings: Sequence[Grouping]) -> None:
        self._day, self._groupings = day, groupings
        self._counts: dict[Key, Counter[str]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch that have a confidence."""
        confidence = floats(batch.column(CONFIDENCE))
        known = ~np.isnan(confidence)
        bins = confidence_bins(confidence[known])
        versions, version = _coded(batch.column(VERSION), known)
        classes, served = _coded(batch.column(PREDICTED), known)
        self._count([ALL_ROWS], versions, np.zeros_like(version), version, (classes, served), bins)
        for grouping in self._groupings:
            groups = grouping.codes(batch)[known]
            kept = groups < len(grouping.labels)
            one = ([""], np.zeros(int(kept.sum()), dtype=np.int64))
            self._count(grouping.labels, versions, groups[kept], version[kept], one, bins[kept])

    def rows(self) -> list[dict[str, Any]]:
        """Return them as rows of the table ``profiles``."""
        return [
            {
                "day": self._day, "segment": segment, "column": f"{SERVED}{version}", "kind": KIND,
                "rows": counts.total(), "nulls": 0, "counts": [counts[name] for name in sorted(counts)],
                "categories": sorted(counts),
            }
            for (segment, version), counts in self._counts.items()
        ]  # fmt: skip

    def _count(
        self,
        segments: Sequence[str],
        versions: Sequence[str],
        segment: Codes,
        version: Codes,
        served: tuple[Sequence[str], Codes],
        bins: Codes,
    ) -> None:
        names, classes = served
        shape = (len(segments), len(versions), len(names), BINS)
        if not bins.size:
            return
        cells, times = _counted(np.ravel_multi_index((segment, version, classes, bins), shape), int(np.prod(shape)))
        for one, by, of, confidence, count in zip(*np.unravel_index(cells, shape), times.tolist(), strict=True):
            counts = self._counts.setdefault((segments[one], versions[by]), Counter())
            counts[category_of(int(confidence), names[of])] += count


def _counted(cells: Codes, size: int) -> tuple[Codes, Codes]:
    """Return the cells that occur and how often; sorting them takes several times as long as counting, where they are few."""
    if size > MOST_COUNTED:
        return np.unique(cells, return_counts=True)
    times = np.bincount(cells, minlength=size)
    counted = np.flatnonzero(times)
    return counted, times[counted]


def _coded(values: pa.Array, known: NDArray[np.bool_]) -> tuple[list[str], Codes]:
    """Return the names of a column without nulls, and the number of that of each row."""
    encoded = dictionary_encoded(values)
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)[
        known
    ]
