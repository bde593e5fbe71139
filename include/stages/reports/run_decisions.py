"""What was decided in a run, in words, found by the references that its tasks returned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.foundation.store.tables import LoopStore

COLUMNS = ("sequence", "kind", "subject", "outcome", "reasons", "decided_at", "evidence_digest")


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
    rows = store.read("decisions", columns=COLUMNS, filters=[("evidence_digest", "in", sorted(digests))])
    return {row["evidence_digest"]: _recorded(row) for row in rows.to_pylist()}


def newest_decisions(store: LoopStore, most: int) -> tuple[RecordedDecision, ...]:
    """Return the newest decisions of the chain, of any kind, newest first; at most so many."""
    rows = store.read("decisions", columns=COLUMNS).sort_by([("sequence", "descending")])
    return tuple(_recorded(row) for row in rows.slice(0, most).to_pylist())


def _recorded(row: Mapping[str, Any]) -> RecordedDecision:
    reasons = tuple(row["reasons"])
    return RecordedDecision(row["sequence"], row["kind"], row["subject"], row["outcome"], reasons, row["decided_at"])
