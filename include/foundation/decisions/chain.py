"""The loop's decisions: append-only, hash-chained, each with its evidence."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.foundation.digests import canonical_json, digest_of
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

FIRST = "0" * 64
CHAIN = ("sequence", "kind", "subject", "evidence_digest", "hash")  # what the next link is made of


@dataclass(frozen=True)
class Decision:
    """One decision of the loop.

    Parameters
    ----------
    kind
        What was decided: ``drift``, ``selection``, ``dataset``, ``retrain``, ``gate``, ``approval``, ``guard`` …
    subject
        What it is about: an interval, a challenger key, a model version.
    outcome
        One word: ``yes``, ``no``, ``promote``, ``reject``, ``label_more`` …
    reasons
        Sentences a person reads.
    evidence
        What JSON can hold: the numbers the decision rests on, digests of its inputs among them.
    """

    kind: str
    subject: str
    outcome: str
    reasons: tuple[str, ...]
    evidence: dict[str, Any]

    @property
    def evidence_digest(self) -> str:
        """Digest of outcome and evidence: what an approval is bound to."""
        evidence = json.loads(canonical_json(self.evidence))  # as it is read back: keys are text
        return digest_of(self.kind, self.subject, self.outcome, evidence)

    @property
    def reference(self) -> dict[str, str]:
        """What crosses a task boundary: where to find this decision again."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "outcome": self.outcome,
            "evidence_digest": self.evidence_digest,
        }


def record(store: LoopStore, decision: Decision) -> Decision:
    """Append a decision to the chain; the same decision on the same evidence is recorded once.

    Returns
    -------
    Decision
        The decision as given.
    """
    store.append_computed("decisions", lambda present: _next(store, present, decision), columns=CHAIN)
    return decision


def find(store: LoopStore, kind: str, subject: str | None = None) -> list[Decision]:
    """Return the decisions of a kind, oldest first, on one subject or on all."""
    rows = store.read("decisions", filters=[("kind", "=", kind)] + ([("subject", "=", subject)] if subject else []))
    return [_decision(row) for row in rows.sort_by("sequence").to_pylist()]


def latest(store: LoopStore, kind: str, subject: str | None = None) -> Decision | None:
    """Return the newest decision of a kind, or None."""
    found = find(store, kind, subject)
    return found[-1] if found else None


def referenced(store: LoopStore, reference: dict[str, str]) -> Decision | None:
    """Return the decision that a `Decision.reference` points at, or None if it was never recorded."""
    for decision in find(store, reference["kind"], reference["subject"]):
        if decision.evidence_digest == reference["evidence_digest"]:
            return decision
    return None


def broken_links(store: LoopStore) -> list[str]:
    """Return what is wrong with the chain: nothing if no decision was changed, removed or inserted."""
    problems, previous = [], FIRST
    rows = store.read("decisions").sort_by("sequence").to_pylist()
    for expected, row in enumerate(rows, start=1):
        if row["sequence"] != expected:
            problems.append(f"sequence: got {row['sequence']}, expected {expected}")
        if row["previous_hash"] != previous:
            problems.append(f"decision {row['sequence']}: does not follow the one before it")
        if row["hash"] != _hash(row) or row["evidence_digest"] != _decision(row).evidence_digest:
            problems.append(f"decision {row['sequence']} ({row['kind']} {row['subject']}): content was changed")
        previous = row["hash"]
    return problems


def _next(store: LoopStore, present: pa.Table, decision: Decision) -> pa.Table:
    chain = present.sort_by("sequence").to_pylist()
    key = (decision.kind, decision.subject, decision.evidence_digest)
    if any((row["kind"], row["subject"], row["evidence_digest"]) == key for row in chain):
        return rows_of(store.loop, "decisions", [])
    row: dict[str, Any] = asdict(replace(decision, evidence={}))
    row |= {
        "reasons": list(decision.reasons),
        "evidence": canonical_json(decision.evidence),
        "sequence": len(chain) + 1,
        "evidence_digest": decision.evidence_digest,
        "config_digest": store.loop.digest,
        "decided_at": datetime.now(UTC),
        "previous_hash": chain[-1]["hash"] if chain else FIRST,
    }
    return rows_of(store.loop, "decisions", [row | {"hash": _hash(row)}])


def _hash(row: dict[str, Any]) -> str:
    names = ["sequence", "kind", "subject", "outcome", "reasons", "evidence", "config_digest", "previous_hash"]
    return digest_of(*(row[name] for name in names), row["decided_at"].isoformat())


def _decision(row: dict[str, Any]) -> Decision:
    evidence = json.loads(row["evidence"])
    return Decision(row["kind"], row["subject"], row["outcome"], tuple(row["reasons"]), evidence)
