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
    """Rows that were drawn from."""
    left_out: int
    """Rows of the interval that were not: repeats, or asked about or labeled before."""
    requests: int
    policy: dict[str, Any]
    """Section ``selection`` of the loop file."""
