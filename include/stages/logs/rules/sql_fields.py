"""The fields of a log in SQL: how each value is read, and when a line must be read again with care."""

from dataclasses import dataclass
from typing import Protocol

from include.stages.logs.rules.field_paths import Path
from include.stages.logs.rules.sql_text import literal

CLOCK = r"([01]\d|2[0-3]):?[0-5]\d"
PLAIN_MOMENT = rf"[12]\d\d\d-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,6}})?(Z|[+-]{CLOCK})?"
REWRITTEN = (
    r"-0|NaN|-?Infinity|-?\d+(\.\d+([eE][+-]?\d+)?|[eE][+-]?\d+)"  # numbers of which `text_of` makes another text
)


@dataclass(frozen=True)
class Field:
    """SQL of one field.

    Attributes
    ----------
    value
        The value in the wanted type, or NULL.
    doubtful
        A condition: the value is NULL although something may have been given, so the line must be read with care.
    """

    value: str
    doubtful: str = "false"

    @property
    def null_is_doubtful(self) -> bool:
        """Whether the line is doubtful exactly where the value is NULL."""
        return self.doubtful == f"{self.value} IS NULL"


class Fields(Protocol):
    """How the fields of one file are read; each kind of file has its own."""

    def text(self, path: Path) -> Field:
        """Return a field as VARCHAR; any scalar has a text."""

    def number(self, path: Path) -> Field:
        """Return a field as DOUBLE."""

    def numbers(self, path: Path, kind: str) -> Field:
        """Return a list as ``kind[]``."""

    def moment(self, path: Path) -> Field:
        """Return a field as TIMESTAMPTZ."""

    def json(self, path: Path) -> str:
        """Return SQL of a field as JSON text in DuckDB's form: NULL where none was given, that of a text if it is no JSON."""

    def is_given(self, path: Path) -> str:
        """Return the condition that an object was given, whatever it holds; ``false`` where NULL fields are doubtful anyway."""

    def is_no_object(self, path: Path, is_empty: str) -> str:
        """Return the condition that something other than an object may have been given.

        Parameters
        ----------
        path
            Of what should be an object.
        is_empty
            The condition that none of the fields in it has a value.
        """


def moment_in(text: str) -> str:
    """Return a text as TIMESTAMPTZ if it is written in the form that every reader understands alike."""
    return f"CASE WHEN regexp_full_match({text}, {literal(PLAIN_MOMENT)}) THEN TRY_CAST({text} AS TIMESTAMPTZ) END"


def is_of_another_type(given: str, value: str) -> str:
    """Return the condition that something was given and is not of the wanted type."""
    return f"({given} IS NOT NULL AND {value} IS NULL)"


def may_be_rewritten(text: str) -> str:
    """Return the condition that a text may have been a number whose text is another one, such as ``7.0``."""
    is_likely = (
        f"{text} BETWEEN '-' AND 'O'"  # by its first sign; CASE spares the other rows the slow part, AND does not
    )
    return f"CASE WHEN {is_likely} THEN regexp_full_match({text}, {literal(REWRITTEN)}) ELSE false END"
