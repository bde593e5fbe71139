"""What users say that the model should have answered, as answers to the requests on these rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.digests import digest_of
from include.foundation.intervals import moved
from include.foundation.store.ledgers.annotations import DECLINED, UNKNOWN_USER, Annotation, append_annotations
from include.foundation.store.ledgers.outcomes import resolved_requests
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.feedback.said_class import said_class

SIGNAL, SOURCE = "correction", "feedback"
COLLECTED = timedelta(days=28)  # before the newest request: of older ones it is not looked at what was said since
RIGHT_AFTER = timedelta(microseconds=1)

Row = Mapping[str, Any]


def collect_corrections(store: LoopStore) -> int:
    """Append what users corrected in rows that were requested to ``annotations``, and return how many there were.

    Corrections that name a class, whatever kind of feedback they are, answer the first tier's request on their row, if it was
    made within the four weeks before the newest one. Each is stored once. One that names no class takes back what the same
    user said before, and so does one that was held back after it was stored.

    Parameters
    ----------
    store
        Tables of the loop.
    """
    pairs = _corrected(store)
    if not pairs:
        return 0
    taxonomy, resolved = Taxonomy.of(store.loop.task), resolved_requests(store)
    said = [(_annotation(taxonomy, request, signal), signal["held_back"]) for request, signal in pairs]
    filters: Filter = [("annotation_id", "in", sorted(each.annotation_id for each, _ in said))]
    rows = store.read("annotations", columns=["annotation_id"], filters=filters)
    known = set(rows.column("annotation_id").to_pylist())
    new = [each for each, held_back in said if held_back is None]
    new += [_taken_back(each) for each, held_back in said if held_back is not None and each.annotation_id in known]
    return append_annotations(store, [replace(each, late=each.request_id in resolved) for each in new])


def _corrected(store: LoopStore) -> list[tuple[Row, Row]]:
    """Return each recent request with each correction of its row."""
    columns = ["request_id", "trace_id", "ts", "asked_at"]
    requests = store.read("requests", columns=columns, filters=[("tier", "=", FIRST_TIER)]).to_pylist()
    newest = max((row["asked_at"] for row in requests), default=None)
    by_trace_id: dict[str, list[Row]] = {}
    for row in requests:
        if newest is not None and row["asked_at"] >= moved(newest, -COLLECTED):
            by_trace_id.setdefault(row["trace_id"], []).append(row)
    filters: Filter = [("signal", "=", SIGNAL), ("trace_id", "in", sorted(by_trace_id))]
    signals = store.read("feedback", filters=filters).to_pylist() if by_trace_id else []
    reuse = timedelta(days=store.loop.logs.repeat_days)  # a trace id may return, for another row
    return [
        (request, signal)
        for signal in signals
        for request in by_trace_id[signal["trace_id"]]
        if request["ts"] is None or signal["ts"] >= moved(request["ts"], -reuse)
    ]


def _annotation(taxonomy: Taxonomy, request: Row, signal: Row) -> Annotation:
    label = said_class(taxonomy, signal["value"]) or DECLINED
    return Annotation(
        annotation_id=digest_of(request["request_id"], signal["feedback_id"], label)[:32],
        request_id=request["request_id"],
        trace_id=request["trace_id"],
        annotator=signal["user_key"] or UNKNOWN_USER,
        label=label,
        created_at=signal["ts"],
        source=SOURCE,
        comment=signal["comment"],
        kind=signal["kind"],
        withdrawn=label == DECLINED or None,
    )


def _taken_back(said: Annotation) -> Annotation:
    return replace(
        said,
        annotation_id=digest_of(said.annotation_id, "held back")[:32],
        label=DECLINED,
        withdrawn=True,
        created_at=said.created_at + RIGHT_AFTER,
    )
