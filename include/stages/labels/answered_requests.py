"""Requests that can be decided: those with enough answers, and those with some answers whose deadline has passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from include.foundation.store.ledgers.annotations import Annotation, latest_annotations
from include.foundation.store.ledgers.outcomes import label_id_of
from include.foundation.store.tables import LoopStore


@dataclass(frozen=True)
class AnsweredRequest:
    """A row of ``requests``, and the newest annotation of each annotator to it, at least one."""

    request: Mapping[str, Any]
    annotations: Sequence[Annotation]

    @property
    def label_id(self) -> str:
        """Id of the label, or of the refusal, that these answers lead to."""
        return label_id_of(self.request["request_id"], (annotation.annotation_id for annotation in self.annotations))


def answered_requests(store: LoopStore) -> list[AnsweredRequest]:
    """Return the requests that can be decided, in the order of their ids, whether they were decided before or not."""
    labeling = store.loop.labeling
    requests = {row["request_id"]: row for row in store.read("requests").to_pylist()}
    groups = groupby(latest_annotations(store), key=lambda annotation: annotation.request_id)
    oldest_open = datetime.now(UTC) - timedelta(hours=labeling.deadline_hours)
    overdue = {key for key, row in requests.items() if row["pushed_at"] and row["pushed_at"] <= oldest_open}
    return [
        AnsweredRequest(requests[request_id], annotations)
        for request_id, annotations in ((request_id, list(group)) for request_id, group in groups)
        if len(annotations) >= labeling.overlap or request_id in overdue
    ]
