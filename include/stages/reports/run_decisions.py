"""What was decided in a run, in words, found by the references that its tasks returned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from include.foundation.store.tables import LoopStore


@dataclass(frozen=True)
class RecordedDecision:
    """A decision as it stands in the chain, of any kind.

    Attributes
    ----------
    number
        In the chain, from 1.
    kind, subject, outcome, reasons
        As they were recorded.
    decided_at
        When it was recorded; a run that decides the same again has the decision of the first time.
    """

    number: int
    kind: str
    subject: str
    outcome: str
    reasons: tuple[str, ...]
    decided_at: datetime


def decisions_of(store: LoopStore, digests: Iterable[str]) -> dict[str, RecordedDecision]:
    """Return the recorded decisions that rest on some evidence, by its digest; what was never recorded is left out."""
    columns = ["sequence", "kind", "subject", "outcome", "reasons", "decided_at", "evidence_digest"]
    rows = store.read("decisions", columns=columns, filters=[("evidence_digest", "in", sorted(digests))])
    return {
        row["evidence_digest"]: RecordedDecision(
            row["sequence"], row["kind"], row["subject"], row["outcome"], tuple(row["reasons"]), row["decided_at"]
        )
        for row in rows.to_pylist()
    }
