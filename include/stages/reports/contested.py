"""What became of the requests that annotators could not decide, and what waits for a person to decide it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.annotations import latest_annotations
from include.foundation.store.ledgers.outcomes import AUDIT, STAGE, current_labels, held_requests
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.reports.tier_work import tier_work

MOST_SHOWN = 10
WAITS, WITHDRAWN = "not decided yet", "withdrawn"


@dataclass(frozen=True)
class Contested:
    """A request that went on to another tier.

    Attributes
    ----------
    trace_id
        Of its row.
    cause
        Why it went on.
    said
        What the first annotators said, such as ``2 earn, 1 ship``.
    outcome
        The label, or that there is none and why.
    decided_by
        The tier that decided, or is asked now.
    rationale
        What people said of it; empty if nothing.
    """

    trace_id: str
    cause: str
    said: str
    outcome: str
    decided_by: str
    rationale: str


@dataclass(frozen=True)
class Held:
    """What waits for a person to decide it: how many requests, since when the oldest, where, and some of their ids."""

    count: int
    oldest: datetime
    where: str
    request_ids: list[str]


def second_readings(store: LoopStore, requests: Set[str]) -> dict[str, Any]:
    """Return what the release notes say of further tiers: their work, what became of what they were asked, and what is held.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Ids of the requests of the cycle.
    """
    every = contested(store, requests)
    counts = Counter(each.outcome if each.outcome in (WAITS, WITHDRAWN) else "decided" for each in every)
    return {
        "tiers": tier_work(store, requests),
        "contested": every[:MOST_SHOWN],
        "became": ", ".join(f"{count} {name}" for name, count in sorted(counts.items())),
        "held": held(store),
    }


def contested(store: LoopStore, requests: Set[str]) -> list[Contested]:
    """Return what became of those of some requests that went on to another tier, by row.

    Parameters
    ----------
    store
        Tables of the loop.
    requests
        Ids of requests, of all tiers.
    """
    columns = ["request_id", "trace_id", "tier", "escalates", "cause"]
    filters: Filter = [("request_id", "in", sorted(requests)), ("tier", ">", FIRST_TIER)]
    rows = store.read("requests", columns=columns, filters=filters).sort_by("tier").to_pylist() if requests else []
    chains: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["cause"] != AUDIT:
            chains[row["trace_id"]].append(row)
    if not chains:
        return []
    said = _said(store, [chain[0]["escalates"] for chain in chains.values()])
    current = current_labels(store.read("labels", filters=[("trace_id", "in", sorted(chains))])).to_pylist()
    labels = {row["trace_id"]: row for row in current}
    last: Filter = [
        ("stage", "=", STAGE),
        ("source", "in", sorted(chain[-1]["request_id"] for chain in chains.values())),
    ]
    aside = store.read("quarantine", columns=["source", "reason"], filters=last).to_pylist()
    withdrawn = {row["source"]: row["reason"] for row in aside}
    return [
        _contested(store, chain, said[chain[0]["escalates"]], labels.get(trace_id), withdrawn)
        for trace_id, chain in sorted(chains.items())
    ]


def held(store: LoopStore) -> Held | None:
    """Return what waits for a person to decide it; None if nothing does."""
    rows = held_requests(store).sort_by("asked_at").to_pylist()
    if not rows:
        return None
    ids = [row["request_id"] for row in rows[:MOST_SHOWN]]
    return Held(len(rows), rows[0]["asked_at"], _where(store.loop, rows[0]["tier"]), ids)


def _where(loop: Loop, tier: int) -> str:
    """Return in words how a person decides what is held."""
    ways = {
        "label_studio": f"in Label Studio, project {loop.tier_project(tier)!r}, where skipping with a comment withdraws it",
        "files": f"in a file of answers that names the request_id, where a label of null with a comment withdraws it; "
        f"requests/ has them as tier {tier}",
        "manifests": f"in an answer to the manifest of tier {tier}, where a label of null withdraws it",
    }
    return ways[loop.labeling.backend]


def _said(store: LoopStore, requests: Sequence[str]) -> dict[str, str]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in latest_annotations(store, requests):
        counts[each.request_id][each.label or "declined"] += 1
    return {name: ", ".join(f"{times} {label}" for label, times in sorted(counts[name].items())) for name in requests}


def _contested(
    store: LoopStore,
    chain: Sequence[Mapping[str, Any]],
    said: str,
    label: Mapping[str, Any] | None,
    withdrawn: Mapping[str, str],
) -> Contested:
    first, last = chain[0], chain[-1]
    outcome, number, why = WAITS, last["tier"], None
    if last["request_id"] in withdrawn:
        outcome, why = WITHDRAWN, withdrawn[last["request_id"]]
    elif label is not None and label["request_id"] in {row["request_id"] for row in chain}:
        outcome, number = Taxonomy.of(store.loop.task).shown(label["label"]), label["tier"]
        why = label["rationale"]
    cause = (first["cause"] or "doubt").replace("_", " ")
    return Contested(first["trace_id"], cause, said, outcome, store.loop.tier(number).name, why or "")
