"""Randomly drawn rows whose content has no label: what an estimate that leaves them out would be silent about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.foundation.store.ledgers.outcomes import is_overdue, set_aside
from include.foundation.store.ledgers.served_confidence import ServedRow
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore

ASKED = ("request_id", "trace_id", "ts", "asked_at", "pushed_at", "tier", "stratum", "inclusion_probability")
DRAWN = ("trace_id", "asked_trace_id", "inclusion_probability", "predicted", "ts", "model_version", "confidence")


@dataclass
class UnlabeledContent:
    """A content without a label: its request, how many rows it stands for, its drawn rows, and what was served of the last.

    ``later`` are the requests in which further tiers are asked.
    """

    request: Mapping[str, Any]
    weight: float = 0.0
    predicted: str | None = None
    rows: list[ServedRow] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


def unlabeled_draws(
    store: LoopStore, labeled: set[str], since: datetime, decided: datetime, model_version: str | None = None
) -> dict[str, UnlabeledContent]:
    """Return by request id what was drawn at random and is left to a further tier, set aside, or not answered in time.

    Parameters
    ----------
    store
        Tables of the loop.
    labeled
        Trace ids of the drawn rows that have a label.
    since
        Rows logged before it do not count.
    decided
        Deadlines after it do not count: what is still to be answered is not missing.
    model_version
        Only rows that this version answered, logged before ``decided``; None means any, and rows that an earlier version of the
        loop drew.
    """
    draws = _draws(store, labeled, since, model_version, decided)
    filters: Filter = [("trace_id", "in", sorted({draw["asked_trace_id"] for draw in draws}))]
    requests = store.read("requests", columns=list(ASKED), filters=filters).sort_by("asked_at").to_pylist()
    contents = {row["trace_id"]: UnlabeledContent(row) for row in requests if row["tier"] == FIRST_TIER}
    for row in requests:
        if row["tier"] > FIRST_TIER and row["trace_id"] in contents:
            contents[row["trace_id"]].later.append(row["request_id"])
    for draw in draws:
        if content := contents.get(draw["asked_trace_id"]):
            content.weight += 1 / draw["inclusion_probability"]
            content.predicted = draw["predicted"]
            content.rows.append(ServedRow._make(draw.get(name) for name in ServedRow._fields))
    return _resolved(store, list(contents.values()), decided)


def _draws(
    store: LoopStore, labeled: set[str], since: datetime, version: str | None, decided: datetime
) -> list[dict[str, Any]]:
    """Return the draws of rows without a label; an earlier version kept none, so that its random requests are draws."""
    own: Filter = [] if version is None else [("model_version", "=", version), ("ts", "<", decided)]
    former: Filter = [("stratum", "=", RANDOM), ("ts", ">=", since)]
    draws = store.read("draws", columns=list(DRAWN), filters=[*former, *own]).to_pylist()
    drawn = {draw["trace_id"] for draw in draws}
    columns = ["trace_id", "inclusion_probability", "prelabel", "ts"]
    requests = store.read("requests", columns=columns, filters=former).to_pylist() if version is None else []
    draws += [
        {**row, "asked_trace_id": row["trace_id"], "predicted": row["prelabel"]}
        for row in requests
        if row["trace_id"] not in drawn
    ]
    return [row for row in draws if row["trace_id"] not in labeled]


def _resolved(store: LoopStore, contents: list[UnlabeledContent], decided: datetime) -> dict[str, UnlabeledContent]:
    """Return the contents whose request was left to a tier, set aside or is overdue, and that have no label after all."""
    ids = sorted(name for content in contents for name in (content.request["request_id"], *content.later))
    rows = store.read("labels", columns=["request_id"], filters=[("request_id", "in", ids)])
    has_label = set(rows.column("request_id").to_pylist())
    aside = set(set_aside(store).column("source").to_pylist())
    return {
        content.request["request_id"]: content
        for content in contents
        if has_label.isdisjoint(names := (content.request["request_id"], *content.later))
        and (content.later or not aside.isdisjoint(names) or is_overdue(store.loop, content.request, decided))
    }
