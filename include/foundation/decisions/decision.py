"""What every decision of the loop has: a subject, an outcome, reasons, and the evidence of its kind."""

import json
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from include.foundation.digests import canonical_json, digest_of


class EvidencePart(BaseModel):
    """Base of what evidence is made of: frozen, strict about unknown keys, and stored under the names of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, defer_build=True)  # most go unused


class Decision(EvidencePart):
    """One decision of the loop; each kind is a class of its own whose fields are its evidence.

    What is not set is not stored, so a decision that is read again has the digest it was recorded with.

    Examples
    --------
    >>> class Weather(Decision):
    ...     kind = "weather"
    ...     degrees: float | None = None
    >>> Weather(subject="today", outcome="sunny", reasons=("No cloud.",), degrees=21.5).evidence
    {'degrees': 21.5}
    >>> Weather(subject="today", outcome="unknown", reasons=()).evidence
    {}
    """

    kind: ClassVar[str]
    """What is decided; the key of the table ``decisions``."""

    subject: str
    """What it is about: an interval, a challenger key, a model version."""
    outcome: str
    """One word."""
    reasons: tuple[str, ...]
    """Sentences that a person reads."""

    @property
    def evidence(self) -> dict[str, Any]:
        """What the decision rests on, as JSON holds it."""
        fields = self.model_dump(exclude={"subject", "outcome", "reasons"}, exclude_unset=True)
        evidence: dict[str, Any] = json.loads(canonical_json(fields))
        return evidence

    @property
    def evidence_digest(self) -> str:
        """Digest of outcome and evidence: what an approval is bound to."""
        return digest_of(self.kind, self.subject, self.outcome, self.evidence)

    @property
    def reference(self) -> dict[str, str]:
        """What crosses a task boundary: where to find this decision again."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "outcome": self.outcome,
            "evidence_digest": self.evidence_digest,
        }
