"""What is decided by whoever signs a deployment off."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision


class Approval(Decision):
    """An answer, about the challenger that is its subject; it holds for one verdict's evidence only."""

    kind: ClassVar[str] = "approval"
    outcome: Literal["approved", "rejected"]
    gate: str
    """Digest of the gate's verdict."""
    by: str
    """Pseudonym of the person, or the policy that answered."""
