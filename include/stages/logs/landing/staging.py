"""The staged rows of one partition: DuckDB reads and checks lines out of core, and Python reads again those it doubts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from include.foundation.errors import FileTooLargeError, ObjectChangedError, StoreError
from include.foundation.lines.line_files import Line
from include.foundation.lines.log_lines import LineReader
from include.foundation.lines.refusals import GONE
from include.foundation.lines.values import Problem
from include.stages.logs.landing.part_scans import PartScans
from include.stages.logs.landing.parts import Part, Scanned
from include.stages.logs.landing.scratch import LEAST_MB, connected, database_mb, remedy
from include.stages.logs.landing.staged_rows import make_staged, stage_rows, staged_columns
from include.stages.logs.pull import Pull
from include.stages.logs.quarantine import RefusedLine
from include.stages.logs.scans.file_scan import NumberedLine, Scan
from include.stages.logs.scans.json_scan import JsonScan
from include.stages.logs.scans.scan_choice import scan_of
from include.stages.logs.slices.file_slices import Slice
from include.stages.logs.slices.local_lines import grouped, local_lines

CHUNK, CHUNK_CHARACTERS = 20_000, 1 << 24  # lines that Python reads at a time, and about how long they are together


class Staging:
    """Rows that were read and checked and are not yet in the store.

    Parameters
    ----------
    pull
        The pull.
    folder
        Where DuckDB may keep what memory does not hold.
    refuse
        Takes refused lines, some thousand at a time, and returns how many they were.
    mistrusted
        Sources of slices that are not scanned: they ended an earlier database.

    Notes
    -----
    The table ``staged`` has the columns of ``predictions`` but those that are made when a row is written, the ``user_id``,
    whether the row is ``doubtful``, and where its line is: the number of the ``part``, and the ``number`` of the line in it.
    """

    def __init__(
        self,
        pull: Pull,
        folder: Path,
        refuse: Callable[[Iterable[RefusedLine]], int],
        mistrusted: Set[str] = frozenset(),
    ) -> None:
        self.pull = pull
        self.parts: list[Part] = []
        self.columns = staged_columns(pull.loop)
        self.refuse = refuse
        self._refused: list[RefusedLine] = []
        self._reader = LineReader(pull.loop)
        self.connection = connected(pull.loop.logs.memory_mb, folder)
        make_staged(self.connection, self.columns)
        self._scans = PartScans(pull.loop, self.connection, mistrusted)

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        """Close the database; an error of its own is one of the store.

        Raises
        ------
        StoreError
            If memory or disk did not suffice.
        """
        self.connection.close()
        if isinstance(error, duckdb.Error):
            raise StoreError(f"{self.pull.loop.name}: logs could not be staged: {error}{remedy(error)}") from error

    def read(self, slices: Sequence[Slice]) -> None:
        """Read slices; where a file was written to meanwhile, the bytes that were listed are read again."""
        for group in grouped(slices):
            with ExitStack() as stack:
                parts = [self._add_part(file_slice) for file_slice in group]
                scans = [self._open(part, stack) for part in parts]
                for part, scan, scanned in zip(parts, scans, self._scans.scan(parts, scans), strict=True):
                    if scanned is not None and part.file_slice.is_unchanged():
                        self._read_doubtful_lines(part, scan, scanned)
                    else:
                        self._read_copy(part, stack)
        self._pass_on_refused(at_least=1)

    @contextmanager
    def memory_given_back(self) -> Iterator[None]:
        """Let the database hold little while Python and the store need memory: what it has goes to disk."""
        pa.default_memory_pool().release_unused()
        with suppress(duckdb.OutOfMemoryException):  # it holds what a query still needs
            self.connection.execute(f"SET memory_limit = '{LEAST_MB}MiB'")
        yield
        pa.default_memory_pool().release_unused()
        self.connection.execute(f"SET memory_limit = '{database_mb(self.pull.loop.logs.memory_mb)}MiB'")

    def lines_at(self, places: Mapping[int, Set[int]]) -> Iterator[tuple[Part, Line]]:
        """Yield staged lines as they were read, by the number of their part and their numbers in it."""
        for part_number, numbers in places.items():
            part = self.parts[part_number]
            with local_lines(part.file_slice, self.pull.access, self.pull.loop.logs.partition_mb << 20) as path:
                scan = scan_of(self.pull.loop, self.connection, path)
                if part.was_scanned:
                    lines = scan.lines_at(numbers, part.lines)
                else:
                    lines = (one for one in enumerate(scan.lines(), start=1) if one[0] in numbers)
                yield from ((part, line) for _, line in lines)

    def _add_part(self, file_slice: Slice) -> Part:
        latest = file_slice.file.latest(self.pull.loop.logs.clock_skew_seconds)
        self.parts.append(Part(file_slice, len(self.parts), latest))
        return self.parts[-1]

    def _open(self, part: Part, stack: ExitStack, *, copied: bool = False) -> Scan:
        """Return the scan of a part; of a file that has gone, or is too large, one that says so."""
        loop, file_slice = self.pull.loop, part.file_slice
        most = loop.logs.partition_mb << 20
        try:
            path = stack.enter_context(local_lines(file_slice, self.pull.access, most, copied=copied))
            return scan_of(loop, self.connection, path)
        except ObjectChangedError as error:
            part.is_gone = True
            problem = Problem(GONE, f"{error.message}; what is there now is read by the next pull")
        except FileTooLargeError as error:
            problem = Problem("too_large", f"{error.message}: split it, or raise logs.partition_mb")
        scan = JsonScan(loop, Path(file_slice.file.name), frozenset())
        scan.problems = [problem]
        return scan

    def _read_copy(self, part: Part, stack: ExitStack) -> None:
        """Read a part anew, from a copy that nobody writes to; where DuckDB cannot read it, line by line."""
        self.connection.execute("DELETE FROM staged WHERE part = ?", [part.number])
        scan = self._open(part, stack, copied=True)
        scanned = self._scans.scan_alone(part, scan)
        if scanned is not None:
            self._read_doubtful_lines(part, scan, scanned)
        elif scan.problems:
            self._read_with_care(part, scan, [(0, Line.of_file(scan.problems))])
        else:
            self._read_with_care(part, scan, enumerate(scan.lines(), start=1))

    def _read_doubtful_lines(self, part: Part, scan: Scan, scanned: Scanned) -> None:
        part.was_scanned = True
        part.lines = scanned.lines - len(scanned.doubtful)
        self._read_with_care(part, scan, scanned.rejects)
        if scanned.doubtful:
            self.connection.execute("DELETE FROM staged WHERE part = ? AND doubtful", [part.number])
            self._read_with_care(part, scan, scan.lines_at(scanned.doubtful, scanned.lines))

    def _read_with_care(self, part: Part, scan: Scan, lines: Iterable[NumberedLine]) -> None:
        """Put each line where it belongs: among the staged rows, or to the refused with every reason."""
        remaining = iter(lines)
        while chunk := _next_lines(remaining):
            rows = []
            for number, line in chunk:
                row, problems = line.record or {}, line.problems
                if line.record is not None:
                    row, problems = self._reader.row(scan.renamed(line.record), part.latest)
                if problems:
                    part.refused += 1
                    self._refused.append(RefusedLine(part.file_slice, line.refused_for(problems)))
                else:
                    rows.append(row | {"part": part.number, "number": number})
            part.lines += len(chunk)
            stage_rows(self.connection, self.columns, rows)
            self._pass_on_refused(at_least=CHUNK if len(chunk) == CHUNK else 1)

    def _pass_on_refused(self, at_least: int) -> None:
        if len(self._refused) >= at_least:
            self.refuse(self._refused)
            self._refused = []


def _next_lines(lines: Iterator[NumberedLine]) -> list[NumberedLine]:
    """Return the next lines, as many as are held in memory at a time: fewer of long ones."""
    chunk: list[NumberedLine] = []
    characters = 0
    for one in lines:
        chunk.append(one)
        characters += len(one[1].raw)
        if len(chunk) == CHUNK or characters >= CHUNK_CHARACTERS:
            break
    return chunk
