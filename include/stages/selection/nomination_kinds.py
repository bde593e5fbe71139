"""What may name rows as worth a label, one by one: each looks at all rows of a batch at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.stages.selection.passing import Thresholds

Flags = NDArray[np.bool_]
Scores = NDArray[np.float64]
NO_SCORE = -1.0  # below every score: rows without one come last


@dataclass(frozen=True)
class Bars:
    """What keeps rows from being chosen, unless users report them.

    Attributes
    ----------
    broken
        Columns whose missing values the drift verdict reports: labels of rows that lack them would teach nothing.
    passing
        From which confidence on predictions pass without a person.
    """

    broken: tuple[str, ...]
    passing: Thresholds

    def allow(self, rows: pa.Table, *, urgent: bool) -> Flags:
        """Return which rows nothing bars.

        Parameters
        ----------
        rows
            Of ``predictions``.
        urgent
            Whether what passes without a person may be chosen, too.
        """
        flags = np.full(rows.num_rows, True)
        for column in self.broken:
            flags &= flags_of(pc.is_valid(rows.column(column)))
        return flags if urgent else flags & ~self.passing.passes(rows)


@dataclass(frozen=True)
class Nomination:
    """Rows of some segment values, or all rows.

    Attributes
    ----------
    bars
        What may not be chosen.
    share
        Most of the chosen rows, less those that users reported, that are chosen for it.
    values
        Values by column of ``predictions``, one of which a row has; any row, if there are none.
    words
        Why they are nominated; None if only their score says so.
    is_urgent
        Whether what passes without a person is nominated, too.
    """

    bars: Bars
    share: float = 1.0
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: str | None = None
    is_urgent: bool = False
    covers: ClassVar[bool] = False  # whether its rows are spread over clusters whatever the loop file says

    def among(self, rows: pa.Table) -> Flags:
        """Return which rows are nominated, or may turn out to be when candidates are compared."""
        flags = np.full(rows.num_rows, not self.values)
        for column, values in self.values.items():
            flags |= flags_of(pc.is_in(rows.column(column), value_set=pa.array(values, pa.string())))
        return flags & self.bars.allow(rows, urgent=self.is_urgent)

    def ranking(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return what is best of the rows while they are read: their score, unless a kind of nomination knows better.

        Parameters
        ----------
        rows
            Of ``predictions``.
        scores
            Their scores, no NaN.
        """
        del rows
        return scores

    def judged(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return by what candidates are chosen, larger is better; NaN where they are not nominated.

        Parameters
        ----------
        rows
            The candidates.
        scores
            Their scores, no NaN.
        """
        return np.where(self.among(rows), self.ranking(rows, scores), np.nan)

    def reason(self, row: Mapping[str, Any], measure: float) -> str | None:
        """Return why a candidate is nominated, in words that annotators may read; None if only its score says so.

        Parameters
        ----------
        row
            Its row of ``predictions``.
        measure
            By what it was chosen, see `judged`.
        """
        del measure
        for column, values in self.values.items():
            if (value := row[column]) in values:
                return f"{self.words}: {column.removeprefix('segment_')}={value}"
        return None


@dataclass(frozen=True)
class HighImpact(Nomination):
    """Rows of which a wrong answer would cost at least so much, the most first."""

    at_least: float = 0.0

    def among(self, rows: pa.Table) -> Flags:
        """Return which rows have the impact; one that is not known, or nothing, is none."""
        impact = impacts(rows)
        return super().among(rows) & (impact >= self.at_least) & (impact > 0)

    def ranking(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return the impact; of equal ones, and of those that are, the more unsure first."""
        impact = np.nan_to_num(impacts(rows), nan=0.0)
        return np.asarray(impact * (1 + 1e-9 * np.tanh(scores)))

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return the impact."""
        del measure
        return f"impact {row['impact']:g}"


@dataclass(frozen=True)
class LowConfidence(Nomination):
    """Rows of which the model was less sure than a threshold, the most unsure first."""

    below: float = 0.5

    def among(self, rows: pa.Table) -> Flags:
        """Return which rows have so low a confidence; where it is not known, none."""
        return super().among(rows) & flags_of(pc.fill_null(pc.less(rows.column("confidence"), self.below), False))

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return the confidence."""
        del measure
        return f"low confidence: {row['confidence']:.2f}, below {self.below:g}"


@dataclass(frozen=True)
class SmallGroups(Nomination):
    """Rows of groups with few labels: how much a group lacks counts as much as how unsure the model was.

    Attributes
    ----------
    column
        Of ``predictions``, whose values are the groups.
    labels
        How many labels each has.
    needed
        So many make a group small no longer.
    """

    column: str = ""
    labels: Mapping[str, int] = field(default_factory=dict)
    needed: int = 1

    def among(self, rows: pa.Table) -> Flags:
        """Return which rows are of a small group; those without a value are of none."""
        column = rows.column(self.column)
        full = pa.array([name for name, count in self.labels.items() if count >= self.needed], pa.string())
        return super().among(rows) & flags_of(pc.is_valid(column)) & ~flags_of(pc.is_in(column, value_set=full))

    def ranking(self, rows: pa.Table, scores: Scores) -> Scores:
        """Return the score, and beside it the share of the labels that the group lacks."""
        encoded = rows.column(self.column).combine_chunks().dictionary_encode()
        lacks = np.array(
            [1 - min(self._count(name) / self.needed, 1) for name in encoded.dictionary.to_pylist()] + [0.0]
        )
        places = pc.fill_null(encoded.indices, len(lacks) - 1).to_numpy()
        return np.asarray(scores + lacks[places])

    def reason(self, row: Mapping[str, Any], measure: float) -> str:
        """Return the group, unless it is the class that was predicted, which annotators are not to see."""
        del measure
        value = row[self.column]
        has = f"{self._count(value)} of {self.needed} labels"
        name = "its class" if self.column == "predicted" else f"{self.column.removeprefix('segment_')}={value}"
        return f"under-represented: {name} has {has}"

    def _count(self, value: str) -> int:
        return self.labels.get(value, 0)


def weighed(loop: Loop, rows: pa.Table, scores: Scores) -> Scores:
    """Return scores as they order rows: `NO_SCORE` in place of NaN, and with `selection.cost_aware` times the impact.

    Parameters
    ----------
    loop
        Says whether impact counts.
    rows
        Of ``predictions``.
    scores
        0 to 1, NaN where there is none.
    """
    known = np.nan_to_num(scores, nan=NO_SCORE)
    if not loop.selection.cost_aware:
        return known
    return np.where(known >= 0, known * np.nan_to_num(impacts(rows), nan=1.0), known)


def impacts(rows: pa.Table) -> Scores:
    """Return the impact of each row, NaN where it is not known."""
    return np.asarray(rows.column("impact").to_numpy(), dtype=np.float64)


def flags_of(array: pa.ChunkedArray) -> Flags:
    """Return a column of truth values without nulls."""
    return np.asarray(array.to_numpy(), dtype=bool)
