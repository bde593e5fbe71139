"""Requests that can be decided: those with enough answers, and those with some answers whose deadline has passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.store.ledgers.annotations import Annotation, late_requests, latest_annotations
from include.foundation.store.ledgers.outcomes import label_id_of, resolved_requests
from include.foundation.store.tables import LoopStore

RECENT = 1_000  # requests: from their answers it is estimated how reliable annotators are


@dataclass(frozen=True)
class AnsweredRequest:
    """A request, the newest annotation of each annotator to it, at least one, and whether it was resolved before."""

    request_id: str
    annotations: Sequence[Annotation]
    is_resolved: bool

    @cached_property
    def label_id(self) -> str:
        """Id of the label, or of the refusal, that these answers lead to."""
        return label_id_of(self.request_id, (annotation.annotation_id for annotation in self.annotations))

    @cached_property
    def votes(self) -> Sequence[Annotation]:
        """The annotations that name a class; the other annotators declined."""
        return [annotation for annotation in self.annotations if annotation.is_vote]


def answered_requests(store: LoopStore) -> list[AnsweredRequest]:
    """Return the requests that can be decided, in the order of their ids: those that are open, and some decided before.

    Of those decided before, these are the newest `RECENT` of all requests, and every one that was answered late.
    """
    labeling, resolved = store.loop.labeling, resolved_requests(store)
    ledger = store.read("requests", columns=["request_id", "asked_at", "pushed_at"])
    oldest_open = datetime.now(UTC) - timedelta(hours=labeling.deadline_hours)
    overdue = _ids(ledger.filter(pc.less_equal(ledger.column("pushed_at"), pa.scalar(oldest_open))))
    newest = ledger.sort_by([("asked_at", "descending"), ("request_id", "ascending")]).slice(0, RECENT)
    looked_at = (_ids(ledger) - resolved) | _ids(newest) | late_requests(store)
    groups = groupby(latest_annotations(store, looked_at), key=lambda annotation: annotation.request_id)
    return [
        AnsweredRequest(request_id, annotations, request_id in resolved)
        for request_id, annotations in ((request_id, list(group)) for request_id, group in groups)
        if len(annotations) >= labeling.overlap or request_id in overdue
    ]


def _ids(requests: pa.Table) -> set[str]:
    return set(requests.column("request_id").to_pylist())
