"""What was live from when to when, and why it changed."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.foundation.errors import DeploymentError
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def history(store: LoopStore) -> list[dict[str, Any]]:
    """Return the deployments, oldest first."""
    return list(store.read("deployments").sort_by("sequence").to_pylist())


def live(store: LoopStore) -> dict[str, Any] | None:
    """Return the deployment that is live, or None."""
    found = history(store)
    return found[-1] if found else None


def append_deployment(store: LoopStore, entry: dict[str, Any], *, known: int | None = None) -> None:
    """Append a deployment once; it is live for the rows logged after the newest row in the store.

    Parameters
    ----------
    store
        Tables of the loop.
    entry
        ``model_version``, ``previous_version``, ``action``, ``why``, ``evidence_digest`` and the promise.
    known
        Number of entries it was decided on; None does not care.

    Raises
    ------
    DeploymentError
        If there are more entries than were known: another deployment came first.
    """
    stamped = entry | {"live_from": newest_moment(store, "predictions") or BEGINNING, "deployed_at": datetime.now(UTC)}

    def _next(present: pa.Table) -> pa.Table:
        keys = {(row["model_version"], row["action"], row["evidence_digest"]) for row in present.to_pylist()}
        key = (entry["model_version"], entry["action"], entry["evidence_digest"])
        if key not in keys and known not in {None, present.num_rows}:
            raise DeploymentError(f"Version {entry['model_version']}: another deployment came first; run the DAG again")
        rows = [] if key in keys else [stamped | {"sequence": present.num_rows + 1}]
        return rows_of(store.loop, "deployments", rows)

    store.append_computed("deployments", _next)
