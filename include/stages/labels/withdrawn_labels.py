"""Labels that the answers to their request make no longer, such as those whose answers were all taken back."""

from collections.abc import Mapping
from typing import Any

from include.foundation.store.ledgers.annotations import annotators_answers, latest_annotations
from include.foundation.store.ledgers.outcomes import REMOVED, current_labels
from include.foundation.store.tables import LoopStore


def withdrawn_labels(store: LoopStore) -> list[dict[str, Any]]:
    """Return the rows of ``labels`` that take back each current label whose request has no answer left."""
    rows = annotators_answers(store, ["request_id"], [("withdrawn", "=", True)])
    withdrawn = set(rows.column("request_id").to_pylist())
    if not withdrawn:
        return []
    left = {annotation.request_id for annotation in latest_annotations(store, withdrawn)}
    labels = store.read("labels", filters=[("request_id", "in", sorted(withdrawn - left))])
    return [removal_of(row) for row in current_labels(labels).to_pylist()]


def removal_of(label: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of ``labels`` that takes back a label."""
    own = {"label_id": f"{REMOVED}{label['label_id']}", "decided_by": "removed", "supersedes": label["label_id"]}
    return dict(label) | own
