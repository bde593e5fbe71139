"""What names rows as worth a label beside their score, and what bars them: each looks at all rows of a batch at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.stages.selection.passing import Thresholds

Flags = NDArray[np.bool_]


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
            flags &= _flags(pc.is_valid(rows.column(column)))
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

    def among(self, rows: pa.Table) -> Flags:
        """Return which rows are nominated."""
        flags = np.full(rows.num_rows, not self.values)
        for column, values in self.values.items():
            flags |= _flags(pc.is_in(rows.column(column), value_set=pa.array(values, pa.string())))
        return flags & self.bars.allow(rows, urgent=self.is_urgent)

    def reason(self, rows: pa.Table, position: int) -> str | None:
        """Return why a row is nominated, in words that annotators may read; None if only its score says so."""
        for column, values in self.values.items():
            value = rows.column(column)[position].as_py()
            if value in values:
                return f"{self.words}: {column.removeprefix('segment_')}={value}"
        return None


def nominations_of(loop: Loop, verdict: DriftVerdict | None, bars: Bars, *, critical_first: bool) -> list[Nomination]:
    """Return what nominates rows, in the order in which it does; the last one is their score alone.

    Parameters
    ----------
    loop
        Names the critical segments.
    verdict
        The drift verdict on the interval, or None if there is none. Half of what is chosen is of the segments that it wants
        labeled.
    bars
        What may not be chosen.
    critical_first
        Whether rows of `selection.critical` go before others that are no more than informative.
    """
    drifted: dict[str, list[str]] = {}
    for segment in verdict.segments if verdict is not None and verdict.route == "label_segment" else ():
        name, _, value = segment.partition("=")
        drifted.setdefault(loop.segment_columns[name], []).append(value)
    critical = {loop.segment_columns[name]: values for name, values in loop.selection.critical.items()}
    nominations = [Nomination(bars, 0.5, drifted, "in a drifted segment", is_urgent=True)] if drifted else []
    if critical and critical_first:
        nominations.append(Nomination(bars, 1.0, critical, "in a critical segment"))
    return [*nominations, Nomination(bars)]


def broken_columns(verdict: DriftVerdict | None, rows: pa.Schema) -> tuple[str, ...]:
    """Return the columns without whose value the drift verdict says that data are to be mended.

    Parameters
    ----------
    verdict
        On the interval, or None if there is none.
    rows
        Columns that there are.
    """
    if verdict is None or verdict.route != "fix_data":
        return ()
    columns = [
        finding.column.partition(":")[0]  # texts and vectors are watched by their measures, named column:measure
        for finding in verdict.columns
        if finding.flagged and finding.monitor == "data" and finding.statistic in {"missing", "not_logged"}
    ]
    return tuple(dict.fromkeys(name for name in columns if name in rows.names))


def _flags(array: pa.ChunkedArray) -> Flags:
    return np.asarray(array.to_numpy(), dtype=bool)
