"""Scans of parts: DuckDB stages the rows of whole files at once, of several small ones as one."""

from collections.abc import Sequence, Set
from dataclasses import replace

import duckdb

from include.foundation.config.loop_file import Loop
from include.foundation.errors import StoreError
from include.stages.logs.landing.parts import Part, Scanned
from include.stages.logs.landing.scratch import is_disk_full, remedy
from include.stages.logs.rules.sql_text import literal
from include.stages.logs.scans.column_scans import FORGET_REJECTS
from include.stages.logs.scans.file_scan import Scan
from include.stages.logs.scans.json_scan import JsonScan
from include.stages.logs.slices.local_lines import JOINED, FileLines, joined

COUNT_STAGED = """
    SELECT part, count(*), list(number) FILTER (doubtful) FROM staged WHERE part BETWEEN ? AND ? GROUP BY part
"""


class DatabaseLostError(Exception):
    """Something in one of these sources ended the database: reading them otherwise, everything can be staged anew."""

    def __init__(self, sources: Set[str]) -> None:
        super().__init__(sorted(sources))
        self.sources = sources


class PartScans:
    """Stages what DuckDB can read of parts without Python.

    Parameters
    ----------
    loop
        The loop.
    connection
        The database that has the table ``staged``.
    mistrusted
        Sources of slices that are not scanned: they ended an earlier database.
    """

    def __init__(self, loop: Loop, connection: duckdb.DuckDBPyConnection, mistrusted: Set[str]) -> None:
        self.loop = loop
        self.connection = connection
        self.mistrusted = mistrusted

    def scan(self, parts: Sequence[Part], scans: Sequence[Scan]) -> Sequence[Scanned | None]:
        """Scan parts as one; where that cannot be done, each alone."""
        together = self._scan_joined(parts, scans) if len(parts) > 1 else None
        return together or [self.scan_alone(part, scan) for part, scan in zip(parts, scans, strict=True)]

    def _scan_joined(self, parts: Sequence[Part], scans: Sequence[Scan]) -> list[Scanned] | None:
        """Stage several parts; None if something stops the scan, or if the lines are not those that were counted."""
        if not all(scan.is_scannable and scan.path.stat().st_size <= JOINED for scan in scans):
            return None
        files = [FileLines(scan.path, part.number, part.latest) for part, scan in zip(parts, scans, strict=True)]
        with joined(files) as (path, origins):
            self.connection.register("origins", origins)
            scan = JsonScan.joined(scans, self.loop, path)
            query = scan.query("origins.latest", "origins.part", "origins.number", "POSITIONAL JOIN origins")
            staged = self._stage(query, parts)
            self.connection.unregister("origins")
        if staged is None:
            return None
        beyond = self.connection.execute("DELETE FROM staged WHERE part IS NULL").fetchone()
        if (staged, beyond) != (origins.num_rows + 1, (1,)):
            self.connection.execute(
                "DELETE FROM staged WHERE part BETWEEN ? AND ?", [parts[0].number, parts[-1].number]
            )
            return None
        return self._count_staged(parts)

    def scan_alone(self, part: Part, scan: Scan) -> Scanned | None:
        """Stage what can be read of a part at once; None if something stops the scan."""
        if not scan.is_scannable or part.file_slice.source in self.mistrusted:
            return None
        latest = f"TIMESTAMPTZ {literal(part.latest.isoformat())}"
        if self._stage(scan.query(latest, str(part.number), "row_number() OVER ()"), [part]) is None:
            return None
        (scanned,) = self._count_staged([part])
        rejects = scan.take_rejects()
        if rejects is None:
            self.connection.execute("DELETE FROM staged WHERE part = ?", [part.number])
            return None
        return replace(scanned, rejects=rejects)

    def _stage(self, query: str, parts: Sequence[Part]) -> int | None:
        """Run a query whose rows are staged, and return how many there are; None if something in the files stops it.

        What needs more memory than there is, such as a row of a gigabyte, is one of these things.

        Raises
        ------
        StoreError
            If the disk did not suffice.
        DatabaseLostError
            If something in the files ended the database, with all that was staged.
        """
        try:
            staged = self.connection.execute(f"INSERT INTO staged BY NAME {query}").fetchone()
        except (duckdb.InternalException, duckdb.FatalException) as error:
            raise DatabaseLostError({part.file_slice.source for part in parts}) from error
        except duckdb.Error as error:
            if is_disk_full(error):
                raise StoreError(f"{parts[0].file_slice.source}: {error}{remedy(error)}") from error
            self.connection.execute(FORGET_REJECTS)
            return None
        return int(staged[0]) if staged else 0

    def _count_staged(self, parts: Sequence[Part]) -> list[Scanned]:
        counted = self.connection.execute(COUNT_STAGED, [parts[0].number, parts[-1].number]).fetchall()
        by_part = {number: Scanned(lines, frozenset(doubtful or ())) for number, lines, doubtful in counted}
        return [by_part.get(part.number, Scanned(0)) for part in parts]
