"""The predictions that requests are about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from include.foundation.errors import ContractError
from include.foundation.lines.values import json_or_text
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

Row = Mapping[str, Any]


def requested_predictions(
    store: LoopStore, requests: Sequence[Row], columns: Sequence[str] | None = None
) -> dict[str, Row]:
    """Return by request id the prediction that each request is about.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Rows of the table ``requests``.
    columns
        Those of ``predictions`` that are wanted, with ``trace_id`` and ``ts``; all by default.

    Raises
    ------
    ContractError
        If the store has no row of a request's trace id any more.

    Notes
    -----
    A trace id may return months later: the row meant is the one nearest to the time that was noted when the request was made.
    Where an earlier version noted none, it is the newest row that there was then.
    """
    dated = [request for request in requests if request["ts"] is not None]
    days = sorted({f"{request['ts'].astimezone(UTC):%Y-%m-%d}" for request in dated})
    rows = _rows(store, dated, [("day", "in", days)], columns)  # only these days' files are read
    missing = [request for request in requests if (request["trace_id"], request["ts"]) not in rows]
    by_trace_id: dict[str, list[Row]] = {}
    for (trace_id, _), row in _rows(store, missing, [], columns).items():
        by_trace_id.setdefault(trace_id, []).append(row)
    lost = [request["request_id"] for request in missing if request["trace_id"] not in by_trace_id]
    if lost:
        raise ContractError(f"{store.uri}/predictions: the rows of {len(lost)} requests are not there any more", lost)
    return {
        request["request_id"]: rows.get((request["trace_id"], request["ts"]))
        or _nearest(request, by_trace_id[request["trace_id"]])
        for request in requests
    }


def feedback_on(store: LoopStore, predictions: Iterable[Row]) -> dict[str, list[str]]:
    """Return what users said of predictions, in words, by trace id: oldest first, without what is held back."""
    rows = list(predictions)
    if not rows:
        return {}
    filters: Filter = [
        ("kind", "=", "explicit"),
        ("ts", ">=", min(row["ts"] for row in rows)),  # only files of that time are read
        ("trace_id", "in", sorted({row["trace_id"] for row in rows})),
    ]
    said: dict[str, list[str]] = {}
    taxonomy = Taxonomy.of(store.loop.task)
    for row in store.read("feedback", filters=filters).sort_by("ts").to_pylist():
        if row["held_back"] is None:
            said.setdefault(row["trace_id"], []).append(_in_words(row, taxonomy))
    return said


def _in_words(row: Row, taxonomy: Taxonomy) -> str:
    value = None if row["value"] is None else json_or_text(row["value"])
    shown = taxonomy.shown(value) if isinstance(value, str) else value
    return ": ".join(str(part) for part in (row["signal"], shown, row["comment"]) if part is not None)


def _rows(
    store: LoopStore, requests: Sequence[Row], filters: Filter, columns: Sequence[str] | None
) -> dict[tuple[str, Any], Row]:
    trace_ids = sorted({request["trace_id"] for request in requests})
    if not trace_ids:
        return {}
    given = None if columns is None else list(columns)
    rows = store.read("predictions", columns=given, filters=[("trace_id", "in", trace_ids), *filters]).to_pylist()
    return {(row["trace_id"], row["ts"]): row for row in rows}


def _nearest(request: Row, rows: Sequence[Row]) -> Row:
    """Return the row that is meant: another line of the same trace id may have taken its place."""
    before = [row for row in rows if row["ts"] < request["asked_at"]]
    meant = request["ts"] or request["asked_at"]
    return min(before or rows, key=lambda row: abs(row["ts"] - meant))
