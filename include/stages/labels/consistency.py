"""Labels that contradict others of the same: a near duplicate, or the same content a few weeks ago."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.store.ledgers.labeled_draws import RANDOM, TRAIN
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labels.proposals import Proposal, Why

APART = timedelta(days=28)  # beyond which what is right may have changed
COLUMNS = ("label_id", "supersedes", "trace_id", "label", "near_key", "split", "stratum", "ts")


class _Said(NamedTuple):
    trace_id: str
    label: str
    ts: datetime
    is_seed: bool


def contradictions(store: LoopStore, proposals: Sequence[Proposal]) -> dict[str, Why]:
    """Return by request id why a label to train on contradicts another label to train on, or another one of these.

    Labels that judge are left alone, and speak of no others: to take out what contradicts would make it easier than what is
    served. A seed counts however old it is.

    Parameters
    ----------
    store
        Tables of the loop.
    proposals
        What is about to become labels.
    """
    asked = [each for each in proposals if each.tier == FIRST_TIER and _is_trained_on(each.request)]
    keys = sorted({each.request["near_key"] for each in asked} - {None})
    said = _said(store, keys) if keys else {}
    for each in asked:
        said[each.request["near_key"]].append(
            _Said(each.request["trace_id"], each.label, each.prediction["ts"], is_seed=False)
        )
    contrary = {each.answered.request_id: _against(each, said[each.request["near_key"]]) for each in asked}
    return {request: Why("inconsistent", against) for request, against in contrary.items() if against is not None}


def _said(store: LoopStore, keys: list[str]) -> dict[str, list[_Said]]:
    taxonomy = Taxonomy.of(store.loop.task)
    rows = store.read("labels", columns=list(COLUMNS), filters=[("near_key", "in", keys)])
    said: dict[str, list[_Said]] = defaultdict(list)
    for row in current_labels(rows).to_pylist():
        label = taxonomy.current(row["label"])
        if _is_trained_on(row) and label is not None:
            said[row["near_key"]].append(_Said(row["trace_id"], label, row["ts"], row["stratum"] == "seed"))
    return said


def _is_trained_on(row: Mapping[str, Any]) -> bool:
    return bool(row["split"] == TRAIN and row["stratum"] != RANDOM)


def _against(proposal: Proposal, said: Sequence[_Said]) -> str | None:
    request: Mapping[str, Any] = proposal.request
    others = sorted(
        each
        for each in said
        if each.label != proposal.label
        and each.trace_id != request["trace_id"]
        and (each.is_seed or abs(each.ts - proposal.prediction["ts"]) <= APART)
    )
    if request["near_key"] is None or not others:
        return None
    return f"label {proposal.label!r}, and {others[0].trace_id}, which says nearly the same, is {others[0].label!r}"
