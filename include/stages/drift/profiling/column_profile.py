"""The profile of a column's rows on a day, in a segment: counts that merge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OF_NUMBERS, OF_CATEGORIES = ("edges", "total", "total_squared"), ("categories",)


@dataclass(frozen=True)
class Counts:
    """Counts of values: of numbers by bin, of categories by name.

    Attributes
    ----------
    kind
        Which of the two.
    counts
        Per bin or category.
    edges
        Of numbers, k + 1 bin edges, the outer ones infinite.
    total, total_squared
        Of numbers, the sum of the finite ones, and of their squares.
    categories
        Name of each count, in order.
    """

    kind: Literal["numeric", "categorical"]
    counts: list[int]
    edges: list[float] = field(default_factory=list)
    total: float = 0.0
    total_squared: float = 0.0
    categories: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Profile:
    """Counts, and what they are of.

    Attributes
    ----------
    day
        ``YYYY-MM-DD``; of merged days, the first and the last.
    segment
        ``desk=eu``, or empty for all rows together.
    column
        Watched column.
    rows
        Rows of the segment on the day, those without a value among them.
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
        """Rows without one."""
        return self.rows - self.counted

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Profile":
        """Return the profile that a row of the table ``profiles`` is."""
        names = OF_NUMBERS if row["kind"] == "numeric" else OF_CATEGORIES
        values = Counts(row["kind"], row["counts"], **{name: row[name] for name in names})
        return cls(row["day"], row["segment"], row["column"], row["rows"], values)

    def to_row(self) -> dict[str, Any]:
        """Return the profile as a row of the table ``profiles``."""
        names = OF_NUMBERS if self.values.kind == "numeric" else OF_CATEGORIES
        key = {"day": self.day, "segment": self.segment, "column": self.column, "kind": self.values.kind}
        counts = {"rows": self.rows, "nulls": self.nulls, "counts": self.values.counts}
        return key | counts | {name: getattr(self.values, name) for name in names}
