"""Requests that can be decided: those with enough answers, and those with some answers whose deadline has passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from include.foundation.store.ledgers.outcomes import label_id_of, latest_answers
from include.foundation.store.tables import LoopStore
from include.stages.labels.consensus import Votes


@dataclass(frozen=True)
class AnsweredRequest:
    """A row of ``requests``, and the newest answer of each annotator to it, as rows of ``annotations``."""

    request: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]

    @property
    def label_id(self) -> str:
        """Id of the label, or of the refusal, that these answers lead to."""
        return label_id_of(self.request["request_id"], (answer["annotation_id"] for answer in self.answers))


def answered_requests(store: LoopStore) -> list[AnsweredRequest]:
    """Return the requests that can be decided, in the order of their ids, whether they were decided before or not."""
    labeling = store.loop.labeling
    requests = {row["request_id"]: row for row in store.read("requests").to_pylist()}
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for answer in latest_answers(store.read("annotations").to_pylist()):
        answers.setdefault(answer["request_id"], []).append(answer)
    oldest_open = datetime.now(UTC) - timedelta(hours=labeling.deadline_hours)
    overdue = {key for key, row in requests.items() if row["pushed_at"] and row["pushed_at"] <= oldest_open}
    return [
        AnsweredRequest(requests[request_id], group)
        for request_id, group in sorted(answers.items())
        if len(group) >= labeling.overlap or request_id in overdue
    ]


def votes_on(requests: Sequence[AnsweredRequest], classes: Sequence[str]) -> tuple[Votes, list[str]]:
    """Return the answers as votes, and the annotators' pseudonyms in the order of their indices.

    Parameters
    ----------
    requests
        Request number i is item i.
    classes
        Class number c of the loop is label c; every answer is one of them.
    """
    annotators = sorted({answer["annotator"] for answered in requests for answer in answered.answers})
    rows = [
        (item, annotators.index(answer["annotator"]), classes.index(answer["label"]))
        for item, answered in enumerate(requests)
        for answer in answered.answers
    ]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    votes = Votes(item, annotator, label, items=len(requests), annotators=len(annotators), classes=len(classes))
    return votes, annotators
