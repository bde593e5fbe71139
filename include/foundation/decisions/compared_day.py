"""What is decided on a day of a deployment: which rows champion and predecessor are compared on."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision, EvidencePart


class DifferingRow(EvidencePart):
    """A row that was drawn from those on which the two answered differently, with what each said."""

    trace_id: str
    asked_trace_id: str
    """The row that is asked for its content: itself, one that was drawn before it, or one that was asked lately."""
    alike: int
    """How many of the rows on which the two differ have its content."""
    champion: str
    predecessor: str
    group_key: str | None = None
    """Of its group; None without ``split.group``. Rows of a group are not independent."""


class ComparedDay(Decision):
    """The rows of a day that the champion served, as its predecessor would have answered them; its batch is the subject."""

    kind: ClassVar[str] = "comparison"
    outcome: Literal["compared"] = "compared"
    deployment: str
    """Digest of the evidence that the champion was deployed on."""
    number: int
    """1 for the first day of the deployment that was compared."""
    day: str
    champion: str
    predecessor: str
    rows: int
    """Rows that both answered; of a day with more of them, a sample."""
    differing: int
    """How many of them they answered differently."""
    drawn: tuple[DifferingRow, ...]
    """Drawn uniformly from those; the labels of their contents judge the two."""

    @property
    def share(self) -> float:
        """The share of the rows on which the two differ, 0 to 1."""
        return self.differing / self.rows if self.rows else 0.0
