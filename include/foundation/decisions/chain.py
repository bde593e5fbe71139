"""The chain of decisions: append-only, each linked to the one before it by a hash, read back as what it was."""

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from include.foundation.decisions.decision import Decision
from include.foundation.digests import canonical_json, digest_of
from include.foundation.errors import ContractError, NoSuchFileError, StoreError
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore

FIRST = "0" * 64
HEAD = "decisions/head.json"  # the newest decision, noted beside the table: cut off in both, nobody would miss it
Kind = TypeVar("Kind", bound=Decision)
Row = Mapping[str, Any]


def record(store: LoopStore, decision: Kind) -> Kind:
    """Append a decision to the chain and return it; the same decision on the same evidence is recorded once."""
    _append(store, decision, ("kind", "subject", "evidence_digest"))
    return decision


def record_first(store: LoopStore, decision: Kind) -> Kind:
    """Append a decision, unless its subject has one of its kind, and return the one that it has: of several the first wins."""
    _append(store, decision, ("kind", "subject"))
    return find(store, type(decision), decision.subject)[0]


def subjects(store: LoopStore, kind: type[Decision]) -> list[str]:
    """Return what the decisions of a kind are about, each subject once, without reading the decisions themselves."""
    rows = store.read("decisions", columns=["subject"], filters=[("kind", "=", kind.kind)])
    return sorted(set(rows.column("subject").to_pylist()))


def find(
    store: LoopStore,
    kind: type[Kind],
    subject: str | Collection[str] | None = None,
    *,
    outcome: str | None = None,
    since: int = 0,
) -> list[Kind]:
    """Return the decisions of a kind, oldest first.

    Parameters
    ----------
    store
        Tables of the loop.
    kind
        Class of the decisions.
    subject
        Only those on this subject, or on one of these; on all by default.
    outcome
        Only those with this outcome; with any by default.
    since
        Only those after the decision of this number.

    Raises
    ------
    StoreError
        If a recorded decision is not of the class's shape.
    """
    rows = _rows(store, kind, subject, outcome)
    return [_decision(kind, row) for row in rows.filter(pc.greater(rows.column("sequence"), since)).to_pylist()]


def latest(store: LoopStore, kind: type[Kind], subject: str | None = None) -> Kind | None:
    """Return the newest decision of a kind, or None.

    Parameters
    ----------
    store, kind, subject
        As in `find`.
    """
    rows = _rows(store, kind, subject)
    return _decision(kind, rows.slice(rows.num_rows - 1).to_pylist()[0]) if rows.num_rows else None


def outcomes(store: LoopStore, kind: type[Decision]) -> list[tuple[str, str]]:
    """Return subject and outcome of the decisions of a kind, oldest first, without their evidence, which is most of them."""
    rows = store.read("decisions", columns=["sequence", "subject", "outcome"], filters=[("kind", "=", kind.kind)])
    return [(row["subject"], row["outcome"]) for row in rows.sort_by("sequence").to_pylist()]


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


@dataclass(frozen=True)
class Link:
    """Number and hash of a decision; 0 and zeros stand before the first."""

    sequence: int = 0
    hash: str = FIRST


BEGINNING = Link()


def head(store: LoopStore) -> Link:
    """Return the newest decision that was noted beside the table; what stands before the first if none was."""
    with contextlib.suppress(NoSuchFileError, ValueError, KeyError, TypeError):
        noted = json.loads(read_file(store, HEAD))
        return Link(int(noted["sequence"]), str(noted["hash"]))
    return BEGINNING


def recorded(store: LoopStore, kinds: Collection[type[Decision]], digests: Collection[str]) -> set[str]:
    """Return those of some digests of evidence that a recorded decision of one of the kinds has.

    Parameters
    ----------
    store
        Tables of the loop.
    kinds
        Classes of the decisions.
    digests
        Asked about.
    """
    wanted: Filter = [("kind", "in", [kind.kind for kind in kinds]), ("evidence_digest", "in", sorted(digests))]
    return set(
        store.read("decisions", columns=["evidence_digest"], filters=wanted).column("evidence_digest").to_pylist()
    )


def _note_head(store: LoopStore, rows: pa.Table, noted: int) -> None:
    """Note the newest of some decisions; a killed process may leave an older one noted, which is true as well."""
    newest = max(rows.select(["sequence", "hash"]).to_pylist(), key=lambda row: row["sequence"], default=None)
    if newest and newest["sequence"] > noted:
        write_file(store, HEAD, json.dumps(newest))


def _append(store: LoopStore, decision: Decision, unique: tuple[str, ...]) -> None:
    """Append a decision, unless there is one that is equal in what is to be unique."""
    noted = head(store).sequence
    if not noted:  # of an earlier version, or killed before the first was noted
        _note_head(store, store.read("decisions", columns=["sequence", "hash"]), noted)
    same: Filter = [(name, "=", getattr(decision, name)) for name in unique]

    def _next(present: pa.Table) -> pa.Table:
        row = [] if present.num_rows else [_link(store, _newest(store, noted), decision)]
        return rows_of(store.loop, "decisions", row)

    _note_head(store, store.append_computed("decisions", _next, columns=["sequence"], among=same), noted)


def _newest(store: LoopStore, noted: int) -> Row | None:
    """Return number and hash of the newest decision; only those from the noted one on are read."""
    for since in (noted, 0):  # from the beginning where the noted one was cut off
        rows = store.read("decisions", columns=["sequence", "hash"], filters=[("sequence", ">=", since)])
        if rows.num_rows:
            newest: Row = max(rows.to_pylist(), key=lambda row: int(row["sequence"]))
            return newest
    return None


def _rows(
    store: LoopStore, kind: type[Decision], subject: str | Collection[str] | None, outcome: str | None = None
) -> pa.Table:
    rows = store.read("decisions")
    is_wanted = pc.equal(rows.column("kind"), kind.kind)
    if outcome is not None:
        is_wanted = pc.and_(is_wanted, pc.equal(rows.column("outcome"), outcome))
    if subject is not None:
        wanted = pa.array([subject] if isinstance(subject, str) else sorted(subject), pa.string())
        is_wanted = pc.and_(is_wanted, pc.is_in(rows.column("subject"), wanted))
    return rows.filter(is_wanted).sort_by("sequence")


def _link(store: LoopStore, newest: Row | None, decision: Decision) -> dict[str, Any]:
    """Return the row of a decision that follows the newest one."""
    row = {
        "kind": decision.kind,
        "subject": decision.subject,
        "outcome": decision.outcome,
        "reasons": list(decision.reasons),
        "evidence": canonical_json(decision.evidence),
        "sequence": newest["sequence"] + 1 if newest else 1,
        "evidence_digest": decision.evidence_digest,
        "config_digest": store.loop.digest,
        "decided_at": datetime.now(UTC),
        "previous_hash": newest["hash"] if newest else FIRST,
    }
    return row | {"hash": link_hash(row)}


def link_hash(row: Row) -> str:
    """Return the hash that a row of ``decisions`` should have."""
    names = ["sequence", "kind", "subject", "outcome", "reasons", "evidence", "config_digest", "previous_hash"]
    return digest_of(*(row[name] for name in names), row["decided_at"].isoformat())


def digest_of_evidence(row: Row) -> str | None:
    """Return the digest that a row of ``decisions`` should have; None if its evidence is no JSON any more."""
    with contextlib.suppress(ValueError):
        return digest_of(row["kind"], row["subject"], row["outcome"], json.loads(row["evidence"]))
    return None


def _decision(kind: type[Kind], row: Row) -> Kind:
    said = {"subject": row["subject"], "outcome": row["outcome"], "reasons": tuple(row["reasons"])}
    try:
        return kind(**said, **json.loads(row["evidence"]))
    except (ValueError, TypeError) as error:  # it is no JSON object any more, or not of the class's shape
        refused = error.errors() if isinstance(error, ValidationError) else []
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in refused]
        raise StoreError(
            f"Decision {row['sequence']} ({row['kind']} {row['subject']}) is not what this version records; if a newer version "
            "wrote it, update this one",
            problems,
        ) from error
