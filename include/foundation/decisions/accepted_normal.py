"""What a person decides about drift: from which day on days are ordinary."""

from datetime import datetime
from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision


class AcceptedNormal(Decision):
    """The day that is its subject is the first ordinary one; what drift found before ``until`` is accepted."""

    kind: ClassVar[str] = "accepted_normal"
    outcome: Literal["accepted"]
    until: datetime
    """End of the window that was judged when it was accepted."""
