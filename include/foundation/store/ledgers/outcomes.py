"""What became of each request: it has a label, was set aside or left to the next tier, or is still open."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.escalation_section import FIRST_TIER, Lead
from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of
from include.foundation.store.ledgers.annotations import annotators_answers
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

STAGE = "labels"
GOLD = "gold"  # stratum of requests whose answer is known
AUDIT = "audit"  # cause of a request that audits a label
# What a request or a label is about, what it is for, and whether those who answered saw no pre-label.
SUBJECT = (
    "trace_id", "content_key", "near_key", "group_key", "split", "stratum", "evidence_for", "hidden_prelabel", "ts",
)  # fmt: skip
HELD = ("request_id", "trace_id", "batch_id", "tier", "escalates", "asked_at", "pushed_at")
REMOVED = "removed-"  # how the id of a row begins that says that the label which it supersedes is none any more


def label_id_of(request_id: str, annotation_ids: Iterable[str]) -> str:
    """Return the id of the label, or of the refusal, that a set of answers leads to: the same answers give the same id."""
    return digest_of(request_id, sorted(annotation_ids))


def is_overdue(loop: Loop, request: Mapping[str, Any], moment: datetime) -> bool:
    """Tell whether nobody waits for a request any more: its deadline has passed, or it is a `Lead`'s, which has none.

    Parameters
    ----------
    loop
        Has the patience of each tier.
    request
        Its ``tier`` and ``pushed_at``; what was not pushed yet is not late.
    moment
        By the clock.
    """
    deadline = deadline_of(loop, request)
    return request["pushed_at"] is not None and (deadline is None or deadline <= moment)


def deadline_of(loop: Loop, request: Mapping[str, Any]) -> datetime | None:
    """Return until when a request is to be answered; None before it is pushed, and where it is a `Lead`'s, which has none."""
    pushed_at, tier = request["pushed_at"], request["tier"]
    return None if pushed_at is None or isinstance(loop.tier(tier), Lead) else pushed_at + loop.patience(tier)


def resolved_requests(store: LoopStore, since: datetime | None = None) -> set[str]:
    """Return the ids of the requests that need nobody any more: labeled, set aside, left to the next tier, or gold.

    Parameters
    ----------
    store
        Tables of the loop.
    since
        Only of what was asked from this moment on all ids are wanted; of all requests by default.
    """
    decided: Filter | None = [("decided_at", ">=", since)] if since else None
    asked: Filter | None = [("asked_at", ">=", since)] if since else None
    labeled = store.read("labels", columns=["request_id"], filters=decided).column("request_id").to_pylist()
    aside = set(set_aside(store).column("source").to_pylist())
    ledger = store.read("requests", columns=["request_id", "stratum", "escalates"], filters=asked)
    gold = ledger.filter(pc.equal(ledger.column("stratum"), GOLD)).column("request_id").to_pylist()
    resolved = {request_id for request_id in labeled if request_id} | aside | _answered_in_full(store, gold)
    return resolved | set(pc.drop_null(ledger.column("escalates")).to_pylist())


def gold_questions(store: LoopStore) -> set[str]:
    """Return the ids of the requests whose answer is known."""
    rows = store.read("requests", columns=["request_id"], filters=[("stratum", "=", GOLD)])
    return set(rows.column("request_id").to_pylist())


def _answered_in_full(store: LoopStore, gold: Sequence[str]) -> set[str]:
    """Return the gold questions that as many annotators answered as are asked: they lead to no label."""
    if not gold:
        return set()
    rows = annotators_answers(store, ["request_id", "annotator"], [("request_id", "in", sorted(gold))])
    people = Counter(request_id for request_id, _ in {tuple(row.values()) for row in rows.to_pylist()})
    return {request_id for request_id, answered in people.items() if answered >= store.loop.labeling.overlap}


def escalated_requests(store: LoopStore) -> set[str]:
    """Return the ids of the requests that the next tier was asked about, so that it decides."""
    rows = store.read("requests", columns=["escalates"], filters=[("escalates", "!=", "")])
    return set(rows.column("escalates").to_pylist())


def held_requests(store: LoopStore) -> pa.Table:
    """Return what waits for a person to decide it, as rows of ``requests`` with the columns `HELD`.

    That is what the last tier is asked and nobody waits for: what is asked of a `Lead`, or has passed its deadline. What its
    annotators agreed on meanwhile waits no more.
    """
    loop, now = store.loop, datetime.now(UTC)
    asked = store.read("requests", columns=list(HELD), filters=[("tier", ">=", max(len(loop.tiers), FIRST_TIER + 1))])
    if not asked.num_rows:
        return asked
    filters: Filter = [("trace_id", "in", sorted(set(asked.column("trace_id").to_pylist())))]
    labels = current_labels(store.read("labels", columns=["label_id", "supersedes", "request_id"], filters=filters))
    resolved, labeled = resolved_requests(store), set(labels.column("request_id").to_pylist())
    has_lead = isinstance(loop.tiers[-1], Lead)
    is_held = [
        row["request_id"] not in resolved
        and row["escalates"] not in labeled
        and (has_lead or is_overdue(loop, row, now))
        for row in asked.to_pylist()
    ]
    return asked.filter(pa.array(is_held, pa.bool_()))


def set_aside(store: LoopStore) -> pa.Table:
    """Return ``refusal_id``, ``source`` and ``reason_code`` of what was set aside; ``source`` is the request."""
    filters: Filter = [("stage", "=", STAGE), ("reason_code", "!=", "bad_seed")]
    return store.read("quarantine", columns=["refusal_id", "source", "reason_code"], filters=filters)


def reopened_requests(store: LoopStore) -> set[str]:
    """Return the ids of the requests whose answers came to say a retired class: their rows may be requested again."""
    taxonomy = Taxonomy.of(store.loop.task)
    retired = [name for name in taxonomy.former if taxonomy.is_retired(name)]
    if not retired:
        return set()
    filters: Filter = [("label", "in", retired)]
    said = set(annotators_answers(store, ["request_id"], filters).column("request_id").to_pylist())
    labeled = set(store.read("labels", columns=["request_id"], filters=filters).column("request_id").to_pylist())
    return labeled | said & set(set_aside(store).column("source").to_pylist())


def standing_requests(store: LoopStore, except_batch: str | None = None) -> pa.Table:
    """Return what the requests are about whose rows may not be requested again, which are all but the reopened ones.

    Parameters
    ----------
    store
        Tables of the loop.
    except_batch
        A batch whose requests are left out as well.

    Returns
    -------
    pyarrow.Table
        `SUBJECT` of each.
    """
    requests = store.read("requests", columns=["request_id", "batch_id", *SUBJECT])
    reopened = pa.array(reopened_requests(store), pa.string())
    stand = pc.invert(pc.is_in(requests.column("request_id"), value_set=reopened))
    if except_batch is not None:
        stand = pc.and_(stand, pc.not_equal(requests.column("batch_id"), except_batch))
    return requests.filter(stand).select(list(SUBJECT))


def current_labels(rows: pa.Table) -> pa.Table:
    """Return the labels that no later label supersedes, and that are no removals of another one."""
    superseded = {label_id for label_id in rows.column("supersedes").to_pylist() if label_id}
    ids = rows.column("label_id").to_pylist()
    keep = [label_id not in superseded and not label_id.startswith(REMOVED) for label_id in ids]
    return rows.filter(pa.array(keep, pa.bool_()))
