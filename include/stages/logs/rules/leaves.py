"""Fields of a log in SQL: how each value is read, and how to see that it is not what it should be."""

from dataclasses import dataclass
from typing import Protocol

from include.stages.logs.rules.field_paths import Path
from include.stages.logs.rules.sql import literal

CLOCK = r"([01]\d|2[0-3]):?[0-5]\d"
PLAIN_MOMENT = rf"[12]\d\d\d-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,6}})?(Z|[+-]{CLOCK})?"


@dataclass(frozen=True)
class Leaf:
    """SQL of one field.

    Attributes
    ----------
    value
        Of the wanted type, or NULL.
    doubtful
        True where the value is NULL although something may have been given: the careful reader looks at the line.
    """

    value: str
    doubtful: str = "false"

    @property
    def null_is_doubtful(self) -> bool:
        """Whether NULL alone is what makes it doubtful."""
        return self.doubtful == f"{self.value} IS NULL"


class Leaves(Protocol):
    """How a format gives its fields."""

    def text(self, path: Path) -> Leaf:
        """Return a field as VARCHAR; any scalar has a text."""

    def number(self, path: Path) -> Leaf:
        """Return a field as DOUBLE."""

    def numbers(self, path: Path, kind: str) -> Leaf:
        """Return a list as ``kind[]``."""

    def moment(self, path: Path) -> Leaf:
        """Return a field as TIMESTAMPTZ."""

    def is_given(self, path: Path) -> str:
        """Say where there is an object, whatever is in it; ``false`` where NULL fields are doubtful anyway."""

    def not_an_object(self, path: Path, nothing: str) -> str:
        """Say where what should be an object may be something else; ``nothing`` says where nothing is in it."""


def moment_in(field: str) -> str:
    """Return a text as TIMESTAMPTZ if it is written in the way that everything reads alike."""
    return f"CASE WHEN regexp_full_match({field}, {literal(PLAIN_MOMENT)}) THEN TRY_CAST({field} AS TIMESTAMPTZ) END"


def given(field: str, value: str) -> str:
    """Say where there is something in a field that is not of the wanted type."""
    return f"({field} IS NOT NULL AND {value} IS NULL)"
