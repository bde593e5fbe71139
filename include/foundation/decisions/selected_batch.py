"""What is decided when samples are selected: which batch is asked about."""

from typing import Any, ClassVar, Literal

from include.foundation.decisions.decision import Decision


class SelectedBatch(Decision):
    """A batch of requests for labels; the interval's key is its subject and its ``batch_id``."""

    kind: ClassVar[str] = "selection"
    outcome: Literal["asked"] = "asked"
    batch_id: str
    random: int
    """Requests of the random stratum."""
    certainty: int
    """Requests of the certainty stratum, ``reported`` ones among them."""
    reported: int
    """Requests that users' reports brought."""
    frame_rows: int
    """Rows of the interval, as they were served: what was drawn from."""
    left_out: int | None = None
    """Of an earlier version: rows that nobody had to be asked about."""
    requests: int
    drawn: int = 0
    """Rows that were drawn at random; those that are not requests of it take the answer of an earlier one."""
    policy: dict[str, Any]
    """Section ``selection`` of the loop file."""
