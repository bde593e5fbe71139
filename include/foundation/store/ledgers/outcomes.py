"""What became of each request: it has a label, was set aside, or is still open."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from include.foundation.digests import digest_of
from include.foundation.store.tables import LoopStore

STAGE = "labels"


def outcome_id(request_id: str, annotation_ids: Iterable[str]) -> str:
    """Return the id of what the answers to a request led to; the same answers give the same id."""
    return digest_of(request_id, sorted(annotation_ids))


def settled_requests(store: LoopStore) -> set[str]:
    """Return the requests that have a label or were set aside."""
    labeled = store.read("labels", columns=["request_id"]).column("request_id").to_pylist()
    return {request_id for request_id in labeled if request_id} | set(set_aside(store).column("source").to_pylist())


def set_aside(store: LoopStore) -> pa.Table:
    """Return the quarantine rows of answers that did not become a label; ``source`` is the request."""
    rows = store.read("quarantine", filters=[("stage", "=", STAGE)])
    return rows.filter(pa.compute.not_equal(rows.column("reason_code"), "bad_seed")) if rows.num_rows else rows


def current_labels(rows: pa.Table) -> pa.Table:
    """Return the labels that no other supersedes."""
    gone = {label_id for label_id in rows.column("supersedes").to_pylist() if label_id}
    keep = [label_id not in gone for label_id in rows.column("label_id").to_pylist()]
    return rows.filter(pa.array(keep, pa.bool_()))


def latest_answers(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest answer of each annotator to each request, in a fixed order."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["created_at"], row["annotation_id"])):
        newest[row["request_id"], row["annotator"]] = row
    return [newest[key] for key in sorted(newest)]
