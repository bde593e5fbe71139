"""The refusals of a partition, and those of what has been read anew: what was not met again counts no more."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.lines.refusals import GONE, REPEATED
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.stages.logs.pull import Pull
from include.stages.logs.quarantine import RefusedLine, refuse_lines
from include.stages.logs.slices.file_slices import FROM_BYTE, Slice
from include.stages.logs.slices.read_ledger import were_read_before

COLUMNS = ("refusal_id", "source", "line", "reason_code", "interval_start")


class Refusals:
    """What is refused of a partition's slices.

    Parameters
    ----------
    pull
        The pull.
    slices
        What is going to be read.
    """

    def __init__(self, pull: Pull, slices: Sequence[Slice]) -> None:
        self._pull = pull
        self._anew = [one for one, is_anew in zip(slices, were_read_before(pull, slices), strict=True) if is_anew]
        self._sources = {one.source for one in self._anew}
        self._met: set[str] = set()

    def put(self, lines: Iterable[RefusedLine]) -> int:
        """Put any number of lines into quarantine; return how many they are."""
        return refuse_lines(self._pull, lines, self._note)

    def _note(self, rows: pa.Table) -> None:
        is_of_file = pc.is_in(rows.column("source"), pa.array(sorted(self._sources), pa.string()))
        self._met.update(rows.filter(is_of_file).column("refusal_id").to_pylist())

    def settle(self, read: Sequence[Slice]) -> None:
        """Let what a file's earlier contents had refused count in no interval; what is met again, in this one.

        Parameters
        ----------
        read
            Slices that were read: that their file had gone before is of no interest any more.
        """
        names = {file_slice.file.name for file_slice in read}
        lately: Filter = [("reason_code", "=", GONE), ("interval_end", ">=", self._pull.window.start)]
        settled = {row["refusal_id"]: False for row in self._found(lately) if _place(row["source"])[0] in names}
        for row in self._found(_of_files(self._anew)) if self._anew else []:
            is_met = row["refusal_id"] in self._met
            is_of_a_row = row["reason_code"] == REPEATED and row["line"] is None  # which was stored: no line brings it
            if is_met == (row["interval_start"] is None) and not is_of_a_row and _covers(self._anew, row["source"]):
                settled[row["refusal_id"]] = is_met
        if settled:
            self._update(settled)

    def _found(self, filters: Filter) -> list[dict[str, Any]]:
        of_kind: Filter = [("stage", "=", self._pull.kind), *filters]
        rows: pa.Table = self._pull.store.read("quarantine", columns=COLUMNS, filters=of_kind)
        return list(rows.to_pylist())

    def _update(self, settled: dict[str, bool]) -> None:
        """Let each refusal count in the pull's interval, or in none."""
        store, interval = self._pull.store, self._pull.interval
        bounds = {
            True: {"interval_start": interval.start, "interval_end": interval.end},
            False: {"interval_start": None, "interval_end": None},
        }
        rows = store.read("quarantine", filters=[("refusal_id", "in", list(settled))]).to_pylist()
        changed = [row | bounds[settled[row["refusal_id"]]] for row in rows]
        store.update_rows("quarantine", rows_of(self._pull.loop, "quarantine", changed))


def _of_files(slices: Sequence[Slice]) -> Filter:
    """Return the condition that a refusal may be of one of the slices' files."""
    names = sorted({file_slice.file.name for file_slice in slices})
    return [("source", ">=", names[0]), ("source", "<=", f"{names[-1]}{FROM_BYTE}~")]


def _place(source: str) -> tuple[str, int]:
    """Return the name of the file, and the byte that the lines of a source are counted from."""
    name, _, start = source.rpartition(FROM_BYTE)
    return (name, int(start)) if name and start.isdecimal() else (source, 0)


def _covers(slices: Sequence[Slice], source: str) -> bool:
    """Tell whether one of the slices holds what a source held; the end of a file, also what was behind it."""
    name, start = _place(source)
    return any(
        one.file.name == name and one.start <= start and (start < one.end or one.end == one.file.size) for one in slices
    )
