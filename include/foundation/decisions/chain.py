"""The chain of decisions: append-only, each linked to the one before it by a hash, read back as what it was."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import ValidationError

from include.foundation.decisions.decision import Decision
from include.foundation.digests import canonical_json, digest_of
from include.foundation.errors import ContractError, StoreError
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

FIRST = "0" * 64
CHAIN = ("sequence", "kind", "subject", "evidence_digest", "hash")  # what the next link is made of
Kind = TypeVar("Kind", bound=Decision)
Row = Mapping[str, Any]


def record(store: LoopStore, decision: Kind) -> Kind:
    """Append a decision to the chain and return it; the same decision on the same evidence is recorded once."""
    store.append_computed("decisions", lambda present: _next(store, present, decision), columns=CHAIN)
    return decision


def find(store: LoopStore, kind: type[Kind], subject: str | None = None) -> list[Kind]:
    """Return the decisions of a kind, oldest first.

    Parameters
    ----------
    store
        Tables of the loop.
    kind
        Class of the decisions.
    subject
        Only those on this subject; on all by default.

    Raises
    ------
    StoreError
        If a recorded decision is not of the class's shape.
    """
    wanted = [("kind", "=", kind.kind)] + ([("subject", "=", subject)] if subject else [])
    rows = store.read("decisions", filters=wanted).sort_by("sequence").to_pylist()
    return [_decision(kind, row) for row in rows]


def latest(store: LoopStore, kind: type[Kind], subject: str | None = None) -> Kind | None:
    """Return the newest decision of a kind, or None.

    Parameters
    ----------
    store, kind, subject
        As in `find`.
    """
    decisions = find(store, kind, subject)
    return decisions[-1] if decisions else None


def referenced(store: LoopStore, kind: type[Kind], reference: Mapping[str, str]) -> Kind:
    """Return the decision that a `Decision.reference` points at.

    Parameters
    ----------
    store
        Tables of the loop.
    kind
        Class that the decision must be of.
    reference
        Of a decision.

    Raises
    ------
    ContractError
        If it is of another kind, or was never recorded: nothing is done on the word of a reference alone.
    """
    if reference.get("kind") == kind.kind:
        for decision in find(store, kind, reference["subject"]):
            if decision.evidence_digest == reference["evidence_digest"]:
                return decision
    raise ContractError(
        f"No recorded decision {dict(reference)}, expected one of kind {kind.kind!r}: the store was changed after it was made; "
        "run the DAG again"
    )


def broken_links(store: LoopStore) -> list[str]:
    """Return what is wrong with the chain: nothing if no decision was changed, removed or inserted."""
    problems, previous = [], FIRST
    rows = store.read("decisions").sort_by("sequence").to_pylist()
    for expected, row in enumerate(rows, start=1):
        if row["sequence"] != expected:
            problems.append(f"sequence: got {row['sequence']}, expected {expected}")
        if row["previous_hash"] != previous:
            problems.append(f"decision {row['sequence']}: does not follow the one before it")
        if row["hash"] != _hash(row) or row["evidence_digest"] != _digest(row):
            problems.append(f"decision {row['sequence']} ({row['kind']} {row['subject']}): content was changed")
        previous = row["hash"]
    return problems


def _next(store: LoopStore, present: pa.Table, decision: Decision) -> pa.Table:
    chain = present.sort_by("sequence").to_pylist()
    key = (decision.kind, decision.subject, decision.evidence_digest)
    if any((row["kind"], row["subject"], row["evidence_digest"]) == key for row in chain):
        return rows_of(store.loop, "decisions", [])
    row = {
        "kind": decision.kind,
        "subject": decision.subject,
        "outcome": decision.outcome,
        "reasons": list(decision.reasons),
        "evidence": canonical_json(decision.evidence),
        "sequence": len(chain) + 1,
        "evidence_digest": decision.evidence_digest,
        "config_digest": store.loop.digest,
        "decided_at": datetime.now(UTC),
        "previous_hash": chain[-1]["hash"] if chain else FIRST,
    }
    return rows_of(store.loop, "decisions", [row | {"hash": _hash(row)}])


def _hash(row: Row) -> str:
    names = ["sequence", "kind", "subject", "outcome", "reasons", "evidence", "config_digest", "previous_hash"]
    return digest_of(*(row[name] for name in names), row["decided_at"].isoformat())


def _digest(row: Row) -> str:
    return digest_of(row["kind"], row["subject"], row["outcome"], json.loads(row["evidence"]))


def _decision(kind: type[Kind], row: Row) -> Kind:
    said = {"subject": row["subject"], "outcome": row["outcome"], "reasons": tuple(row["reasons"])}
    try:
        return kind(**said, **json.loads(row["evidence"]))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise StoreError(
            f"Decision {row['sequence']} ({row['kind']} {row['subject']}) is not what this version records; if a newer version "
            "wrote it, update this one",
            problems,
        ) from error
