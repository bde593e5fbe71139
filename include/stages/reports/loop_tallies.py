"""How often what happened in a loop, and when it last did: what is counted over its life, without what it was about."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.decisions import GateVerdict, latest
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.ledgers.deployments import changes
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.read_ledger import rows_in_log

LATELY = timedelta(days=30)  # labels decided before say nothing of how long labels take now
READ = ("predictions", "feedback", "quarantine", "requests", "annotations", "labels", "decisions", "deployments")
Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True)
class LoopTallies:
    """What is counted of a loop; a name that never occurred is not there.

    Attributes
    ----------
    rows
        Of each table, by its name.
    asked
        Requests by stratum, tier and split.
    labels
        By stratum, split and how they were decided.
    decisions
        By kind and outcome.
    decided_at
        When a decision of each kind was last recorded.
    deployments
        By action.
    gate
        The newest verdict on a challenger; None before the first.
    newest_prediction
        Moment of the newest logged row; None without one.
    turnaround
        Seconds from when a request was pushed to the last answer that its label rests on: the median and the ninth decile
        of the last 30 days' labels; empty where there are none.
    """

    rows: Mapping[str, int]
    asked: Counts
    labels: Counts
    decisions: Counts
    decided_at: Mapping[str, datetime]
    deployments: Counts
    gate: GateVerdict | None
    newest_prediction: datetime | None
    turnaround: Mapping[float, float]


def loop_tallies(store: LoopStore, now: datetime) -> LoopTallies:
    """Count what happened in a loop; narrow columns are read, and of predictions the newest day alone.

    Parameters
    ----------
    store
        Tables of the loop.
    now
        By the clock: which labels are of late.
    """
    decisions = store.read("decisions", columns=["kind", "outcome", "decided_at"])
    newest = decisions.group_by("kind").aggregate([("decided_at", "max")]).to_pylist()
    return LoopTallies(
        rows={name: rows_in_log(store, name)[1] for name in READ},
        asked=_counted(store, "requests", "stratum", "tier", "split"),
        labels=_counted(store, "labels", "stratum", "split", "decided_by"),
        decisions=_counts(decisions, ("kind", "outcome")),
        decided_at={row["kind"]: row["decided_at_max"] for row in newest},
        deployments=Counter((change.action,) for change in changes(store)),
        gate=latest(store, GateVerdict),
        newest_prediction=newest_moment(store, "predictions", now),
        turnaround=_turnaround(store, now),
    )


def _counted(store: LoopStore, name: str, *columns: str) -> Counts:
    return _counts(store.read(name, columns=list(columns)), columns)


def _counts(rows: pa.Table, columns: tuple[str, ...]) -> Counts:
    groups = rows.group_by(list(columns)).aggregate([([], "count_all")]).to_pylist()
    return {tuple(str(group[column]) for column in columns): group["count_all"] for group in groups}


def _turnaround(store: LoopStore, now: datetime) -> Mapping[float, float]:
    decided = store.read("labels", columns=["request_id", "decided_at"], filters=[("decided_at", ">=", now - LATELY)])
    asked = pc.drop_null(decided.column("request_id")).unique().to_pylist()
    if not asked:
        return {}
    pushed = store.read("requests", columns=["request_id", "pushed_at"], filters=[("request_id", "in", asked)])
    both = decided.join(pushed, "request_id", join_type="inner").drop_null()
    seconds = [(row["decided_at"] - row["pushed_at"]).total_seconds() for row in both.to_pylist()]
    return {share: float(np.quantile(seconds, share)) for share in (0.5, 0.9)} if seconds else {}
