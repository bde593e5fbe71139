"""What every scan of a log file offers, whatever its format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.lines.file_formats import is_compressed
from include.foundation.lines.line_files import Line
from include.foundation.lines.values import Problem
from include.stages.logs.rules.field_paths import Path as FieldPath
from include.stages.logs.rules.field_paths import prediction_paths, renamed
from include.stages.logs.rules.row_rules import RowQuery

NumberedLine = tuple[int, Line]  # with its place among the lines of the file that are not empty, from 1


class Scan(ABC):
    """How one local log file is read.

    Parameters
    ----------
    loop
        The loop.
    path
        The file, decompressed unless it is damaged.

    Attributes
    ----------
    problems
        Why nothing of the file can be read; empty if it can.
    as_json
        Fields that are read as JSON, of JSON lines only: see `JsonFields`.
    """

    as_json: frozenset[FieldPath] = frozenset()

    def __init__(self, loop: Loop, path: Path) -> None:
        self.loop = loop
        self.path = path
        self.problems: list[Problem] = []

    @property
    def is_scannable(self) -> bool:
        """Whether DuckDB can be asked: not for a file that has problems or could not be decompressed."""
        return not self.problems and not is_compressed(self.path.name)

    def query(self, latest: str, part: str, number: str, beside: str = "") -> str:
        """Return the query of the file's rows as they are staged.

        Parameters
        ----------
        latest, part, number
            SQL of the latest plausible timestamp, of the number of the part, and of the place of a line in it.
        beside
            What the lines are joined to, where the other arguments name its columns.
        """
        query, table = self._rows_and_table()
        places = f"{latest} AS latest, {part} AS part, {number} AS number"
        values = f"SELECT {query.values}, {places} FROM {table} AS line {beside}"
        return f"SELECT {query.rows}, part, number FROM (SELECT {query.sums} FROM ({values}))"

    @abstractmethod
    def _rows_and_table(self) -> tuple[RowQuery, str]:
        """Return the query of the staged rows, and what is selected from."""

    @abstractmethod
    def lines(self) -> Iterator[Line]:
        """Yield every line, without DuckDB: something in the file stops it."""

    @abstractmethod
    def lines_at(self, places: Set[int], total: int) -> Iterator[NumberedLine]:
        """Yield the lines at some places of a file that DuckDB could scan, which has so many in ``total``."""

    def take_rejects(self) -> list[NumberedLine] | None:
        """Return, once, the lines that DuckDB left out of the query that it ran last; None if it is not to be trusted there."""
        return []

    def renamed(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record of the file under the loop's names."""
        columns = self.loop.logs.columns
        return renamed(columns, prediction_paths(self.loop), record) if columns else record
