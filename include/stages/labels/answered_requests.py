"""Requests that can be decided: those with enough answers, and those with some answers whose deadline has passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.annotations import Annotation, late_requests, latest_said
from include.foundation.store.ledgers.outcomes import is_overdue, label_id_of, resolved_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.user_voices import may_count, users_count

COLUMNS = ("request_id", "asked_at", "pushed_at", "tier", "stratum", "split", "hidden_prelabel")
RECENT = 1_000  # requests: from their answers it is estimated how reliable annotators are


@dataclass(frozen=True)
class AnsweredRequest:
    """A request, the newest annotation of each annotator to it, at least one, whether it was resolved, and its tier.

    ``corrections`` are the newest of each user, where they count; see `include.stages.labels.user_voices`.
    """

    request_id: str
    annotations: Sequence[Annotation]
    is_resolved: bool
    tier: int = 1
    corrections: Sequence[Annotation] = ()

    @cached_property
    def label_id(self) -> str:
        """Id of the label, or of the refusal, that these answers lead to."""
        said = [*self.annotations, *self.corrections]
        return label_id_of(self.request_id, (annotation.annotation_id for annotation in said))

    @property
    def newest(self) -> datetime:
        """When the last of the answers was given."""
        return max(annotation.created_at for annotation in [*self.annotations, *self.corrections])

    def is_complete(self, loop: Loop) -> bool:
        """Tell whether as many annotators answered as its tier has to."""
        return len(self.annotations) >= loop.tier(self.tier).overlap

    @cached_property
    def votes(self) -> Sequence[Annotation]:
        """The annotations that name a class; the other annotators declined."""
        return [annotation for annotation in self.annotations if annotation.is_vote]


def answered_requests(store: LoopStore) -> list[AnsweredRequest]:
    """Return the requests that can be decided, in the order of their ids: those that are open, and some decided before.

    Of those decided before, these are the newest `RECENT` of all requests, and every one that was answered late.
    """
    loop, resolved, now = store.loop, resolved_requests(store), datetime.now(UTC)
    ledger = store.read("requests", columns=list(COLUMNS))
    rows = {row["request_id"]: row for row in ledger.to_pylist()}
    newest = ledger.sort_by([("asked_at", "descending"), ("request_id", "ascending")]).slice(0, RECENT)
    looked_at = (_ids(ledger) - resolved) | _ids(newest) | late_requests(store)
    answers, said = latest_said(store, looked_at)
    corrections: dict[str, list[Annotation]] = {}
    for each in said if users_count(loop) else []:
        if may_count(rows[each.request_id]):
            corrections.setdefault(each.request_id, []).append(each)
    answered = (
        AnsweredRequest(name, list(group), name in resolved, rows[name]["tier"], corrections.get(name, ()))
        for name, group in groupby(answers, key=lambda annotation: annotation.request_id)
    )
    return [
        item
        for item in answered
        if item.is_complete(loop)
        or item.is_resolved  # of these, some took their answer back
        or is_overdue(loop, rows[item.request_id], now)
    ]


def _ids(requests: pa.Table) -> set[str]:
    return set(requests.column("request_id").to_pylist())
