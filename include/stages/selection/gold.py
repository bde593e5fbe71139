"""Gold questions: requests whose answer is known, mixed in to see how often each annotator is right."""

from typing import Any

import pyarrow as pa

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.digests import digest_of
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.outcomes import GOLD, current_labels
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

FEWEST_AGREED = 3  # annotators of the first tier who all said the same


def gold_requests(store: LoopStore, interval: Interval, requests: int) -> pa.Table:
    """Return requests about rows that were labeled beyond doubt, as rows of ``requests``.

    What annotators read of them is what was read when they were asked first, so that nothing tells them apart. Known is what a
    later tier decided, and what at least three annotators said alike. No label comes of the answers.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch.
    requests
        Of the batch without them; ``labeling.gold_share`` of so many are added.
    """
    n = round(store.loop.labeling.gold_share * requests)
    known = _known(store) if n else {}
    drawn = sorted(known, key=lambda trace_id: digest_of(GOLD, interval.key, trace_id))[:n]
    filters: Filter = [("request_id", "in", sorted(known[trace_id] for trace_id in drawn))]
    asked_first = store.read("requests", filters=filters).to_pylist() if drawn else []
    return rows_of(store.loop, "requests", [_gold(store, interval, row) for row in asked_first])


def _known(store: LoopStore) -> dict[str, str]:
    """Return the request that led to each label which is known, by trace id."""
    columns = ["label_id", "supersedes", "request_id", "trace_id", "label", "tier", "annotators", "agreement", "split"]
    labels = current_labels(store.read("labels", columns=columns))
    rows = Taxonomy.of(store.loop.task).without_retired(labels).to_pylist()
    return {row["trace_id"]: row["request_id"] for row in rows if row["split"] == "train" and _is_known(row)}


def _is_known(label: dict[str, Any]) -> bool:
    if label["request_id"] is None:
        return False
    agreed = label["agreement"] == 1 and (label["annotators"] or 0) >= FEWEST_AGREED
    return agreed or (label["tier"] or FIRST_TIER) > FIRST_TIER


def _gold(store: LoopStore, interval: Interval, row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "request_id": digest_of(store.loop.name, row["trace_id"], FIRST_TIER, interval.key)[:32],
        "batch_id": interval.key,
        "tier": FIRST_TIER,
        "stratum": GOLD,
        "asked_at": interval.end,
        "evidence_for": None,
        "escalates": None,
        "external_id": None,
        "pushed_at": None,
    }
