"""Labels all of whose answers were taken back: they are none any more."""

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
    return [
        row | {"label_id": f"{REMOVED}{row['label_id']}", "decided_by": "removed", "supersedes": row["label_id"]}
        for row in current_labels(labels).to_pylist()
    ]
