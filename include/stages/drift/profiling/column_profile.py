"""The class `Profile`: the counts of one column, segment and day, as the table ``profiles`` stores them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

NO_BINS = (-math.inf, math.inf)
OF_NUMBERS, OF_CATEGORIES = ("edges", "total", "total_squared"), ("categories",)


@dataclass(frozen=True)
class Counts:
    """Counts of the values of a column: of numbers by bin, of categories by name.

    Attributes
    ----------
    kind
        Whether they are of numbers or of categories.
    counts
        Count of each bin or category, (k,).
    edges
        Of numbers: k + 1 bin edges, the outer ones infinite.
    total, total_squared
        Of numbers: the sum of the finite ones, and the sum of their squares.
    categories
        Of categories: their names, (k,).
    """

    kind: Literal["numeric", "categorical"]
    counts: list[int]
    edges: list[float] = field(default_factory=list)
    total: float = 0.0
    total_squared: float = 0.0
    categories: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Profile:
    """The counts of one column, segment and day.

    Attributes
    ----------
    day
        ``YYYY-MM-DD``; of merged profiles, the first and the last day.
    segment
        ``desk=eu``; empty for all rows together.
    column
        The watched column.
    rows
        Rows of the segment on that day, with and without a value.
    values
        Counts of the values.
    """

    day: str
    segment: str
    column: str
    rows: int
    values: Counts

    @property
    def counted(self) -> int:
        """Rows with a value that is counted."""
        return sum(self.values.counts)

    @property
    def nulls(self) -> int:
        """Rows without a value that is counted."""
        return self.rows - self.counted

    @property
    def has_bins(self) -> bool:
        """Whether its values are counted by bins or categories; numbers are not before a day had enough of them."""
        return self.values.kind != "numeric" or len(self.values.edges) > len(NO_BINS)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Profile":
        """Return the profile that a row of the table ``profiles`` holds."""
        names = OF_NUMBERS if row["kind"] == "numeric" else OF_CATEGORIES
        values = Counts(row["kind"], row["counts"], **{name: row[name] for name in names})
        return cls(row["day"], row["segment"], row["column"], row["rows"], values)

    def to_row(self) -> dict[str, Any]:
        """Return the profile as a row of the table ``profiles``."""
        names = OF_NUMBERS if self.values.kind == "numeric" else OF_CATEGORIES
        key = {"day": self.day, "segment": self.segment, "column": self.column, "kind": self.values.kind}
        counts = {"rows": self.rows, "nulls": self.nulls, "counts": self.values.counts}
        return key | counts | {name: getattr(self.values, name) for name in names}
