"""Rows of the request ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.store.rows import rows_of

FIRST_TIER = 1


def request_rows(
    loop: Loop,
    rows: pa.Table,
    content: Sequence[str],
    chosen: Sequence[Mapping[str, Any]],
    *,
    batch_id: str,
    asked_at: datetime,
) -> pa.Table:
    """Return the requests for the chosen rows.

    Parameters
    ----------
    loop
        The loop.
    rows
        Predictions that were chosen from.
    content
        Content key of each of them.
    chosen
        For each request its ``place`` among ``rows``, and ``stratum``, ``split``, ``inclusion_probability``, ``score``,
        ``reasons``; ``evidence_for`` and ``hidden_prelabel`` where they are not the default.
    batch_id
        What asks: an interval's key, or an evidence round.
    asked_at
        In log time.
    """
    found = rows.select(["trace_id", "predicted", "confidence"]).to_pylist()
    records = []
    for choice in chosen:
        row = found[choice["place"]]
        request_id = digest_of(loop.name, row["trace_id"], FIRST_TIER)[:32]
        records.append(
            {
                "request_id": request_id,
                "batch_id": batch_id,
                "trace_id": row["trace_id"],
                "tier": FIRST_TIER,
                "prelabel": row["predicted"],
                "prelabel_confidence": row["confidence"],
                "hidden_prelabel": _hidden(loop, request_id),
                "content_key": content[choice["place"]],
                "asked_at": asked_at,
                **{name: value for name, value in choice.items() if name != "place"},
            }
        )
    return rows_of(loop, "requests", records)


def _hidden(loop: Loop, request_id: str) -> bool:
    """Hide the pre-label of a share of requests, by a hash that knows nothing of the row: it measures anchoring."""
    return int(digest_of("hidden", request_id)[:8], 16) / 16**8 < loop.labeling.hidden_prelabel_share
