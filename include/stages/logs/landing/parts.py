"""A part of the partition: a slice while it is read, and what was counted of it."""

from dataclasses import dataclass, field
from datetime import datetime

from include.stages.logs.scans.file_scan import NumberedLine
from include.stages.logs.slices.file_slices import Slice


@dataclass
class Part:
    """A slice of the partition, and what was counted of its lines.

    Attributes
    ----------
    file_slice
        The slice.
    number
        Its place in the partition, from 0.
    latest
        Latest plausible timestamp of a line.
    lines
        Number of its lines that are not empty.
    refused
        How many of them were refused when they were read one by one; repeats are not known yet.
    was_scanned
        Whether DuckDB could read it; otherwise all of its lines were read one by one.
    is_gone
        Whether its file has gone or was replaced since it was listed: what is there instead is for a later pull.
    """

    file_slice: Slice
    number: int
    latest: datetime
    lines: int = 0
    refused: int = 0
    was_scanned: bool = False
    is_gone: bool = False


@dataclass(frozen=True)
class Scanned:
    """What DuckDB made of a part: so many lines are staged, of which some are doubtful; rejects are not even that."""

    lines: int
    doubtful: frozenset[int] = frozenset()
    rejects: list[NumberedLine] = field(default_factory=list)
