"""Requests that can be decided: those with enough answers, and those with some answers whose deadline has passed."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from typing import Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.annotations import Annotation, late_requests, latest_said
from include.foundation.store.ledgers.outcomes import is_overdue, label_id_of, resolved_requests
from include.foundation.store.tables import LoopStore
from include.stages.labels.user_voices import may_count, users_count

COLUMNS = ("request_id", "asked_at", "pushed_at", "tier", "escalates", "stratum", "split", "hidden_prelabel")
RECENT = 1_000  # requests: from their answers it is estimated how reliable annotators are


@dataclass(frozen=True)
class AnsweredRequest:
    """A request, the newest annotation of each annotator to it, at least one, whether it was resolved, and its tier.

    ``corrections`` are the newest of each user, where they count; see `include.stages.labels.user_voices`. A further reader's
    request has the annotations to the requests ``before`` it as well, since all are weighed together: ``joined`` are the ids of
    these annotations.
    """

    request_id: str
    annotations: Sequence[Annotation]
    is_resolved: bool
    tier: int = 1
    corrections: Sequence[Annotation] = ()
    before: Sequence[str] = ()
    joined: Set[str] = frozenset()

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
        own = sum(each.annotation_id not in self.joined for each in self.annotations)
        return own >= loop.tier(self.tier).overlap

    @property
    def own_votes(self) -> Sequence[Annotation]:
        """The votes on this request, without those on the ones before it."""
        return [vote for vote in self.votes if vote.annotation_id not in self.joined]

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
    before = _weighed_with(loop, rows, looked_at)
    answers, said = latest_said(store, looked_at.union(before, *before.values()))
    corrections: dict[str, list[Annotation]] = {}
    for each in said if users_count(loop) else []:
        if may_count(rows[each.request_id]):
            corrections.setdefault(each.request_id, []).append(each)
    own = {name: list(group) for name, group in groupby(answers, key=lambda annotation: annotation.request_id)}
    answered = [
        _together(name, own, before.get(name, ()), name in resolved, rows[name]["tier"], corrections.get(name, ()))
        for name in sorted(own.keys() | before.keys())
    ]
    decidable = [
        item
        for item in answered
        if item.annotations
        and (
            item.is_complete(loop)
            or item.is_resolved  # of these, some took their answer back
            or is_overdue(loop, rows[item.request_id], now)
        )
    ]
    weighed_later = {name for item in decidable for name in item.before}
    return [item for item in decidable if item.request_id not in weighed_later]


def _weighed_with(loop: Loop, rows: Mapping[str, Mapping[str, Any]], looked_at: Set[str]) -> dict[str, list[str]]:
    """Return the requests before each request of a further reader that is looked at, or any of whose requests before is."""
    before = {}
    for name, row in rows.items():
        if row["escalates"] is not None and loop.weighs(row["tier"]):
            chain = [row["escalates"]]
            while (earlier := rows[chain[-1]]["escalates"]) is not None:
                chain.append(earlier)
            if not looked_at.isdisjoint([name, *chain]):
                before[name] = chain
    return before


def _together(
    request_id: str,
    answers: Mapping[str, Sequence[Annotation]],
    before: Sequence[str],
    is_resolved: bool,
    tier: int,
    corrections: Sequence[Annotation],
) -> AnsweredRequest:
    """Return a request with the answers to it and to those before it: of who answered several, the newest."""
    earlier = [replace(each, request_id=request_id) for name in before for each in answers.get(name, ())]
    said = sorted([*earlier, *answers.get(request_id, ())], key=lambda each: each.created_at)
    newest = {each.annotator: each for each in said}
    joined = frozenset(each.annotation_id for each in earlier)
    annotations = [newest[name] for name in sorted(newest)]
    return AnsweredRequest(request_id, annotations, is_resolved, tier, corrections, before, joined)


def _ids(requests: pa.Table) -> set[str]:
    return set(requests.column("request_id").to_pylist())
