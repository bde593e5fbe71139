"""Where people contradicted the model in the labels that a challenger was the first to learn from."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.foundation.decisions import GateVerdict, RetrainPlan, find
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import trained_on

MOST_SHOWN = 10


@dataclass(frozen=True)
class Corrections:
    """``new`` labels of logged rows; ``pairs`` are (the model said, people said, times), most frequent first.

    ``corrected`` counts all of them. ``segments`` has, by segment and value, how many labels were new and corrected.
    """

    new: int
    corrected: int
    pairs: list[tuple[str, str, int]]
    segments: list[tuple[str, str, int, int]]


def corrections(store: LoopStore, plan: RetrainPlan, train: pa.Table) -> Corrections:
    """Return what was new for a challenger among its training labels, and what of it contradicted the live model.

    Parameters
    ----------
    store
        Tables of the loop.
    plan
        The decision to train it.
    train
        The training labels of its dataset.
    """
    known = _known_before(store, plan)
    columns = store.loop.segment_columns
    rows = train.select(["label_id", "predicted", "label", *columns.values()]).to_pylist()
    fresh = [row for row in rows if row["predicted"] is not None and row["label_id"] not in known]
    wrong = [row for row in fresh if row["predicted"] != row["label"]]
    pairs = Counter((row["predicted"], row["label"]) for row in wrong)
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return Corrections(
        new=len(fresh),
        corrected=len(wrong),
        pairs=[(predicted, label, times) for (predicted, label), times in ranked[:MOST_SHOWN]],
        segments=_by_segment(columns, fresh, wrong),
    )


def _known_before(store: LoopStore, plan: RetrainPlan) -> set[str]:
    """Return the labels that the challenger judged before this one could learn from."""
    judged = {verdict.subject for verdict in find(store, GateVerdict)}
    plans = [earlier for earlier in find(store, RetrainPlan) if earlier.outcome == "train"]
    before = plans[: [earlier.evidence_digest for earlier in plans].index(plan.evidence_digest)]
    used = [earlier for earlier in before if earlier.subject in judged - {plan.subject}]
    return trained_on(store, used[-1].dataset) if used else set()


def _by_segment(
    columns: dict[str, str], fresh: list[dict[str, Any]], wrong: list[dict[str, Any]]
) -> list[tuple[str, str, int, int]]:
    counts = []
    for name, column in columns.items():
        seen, corrected = (Counter(row[column] or "not given" for row in rows) for rows in (fresh, wrong))
        ranked = sorted(seen, key=lambda value: (-corrected[value], value))
        counts += [(name, value, seen[value], corrected[value]) for value in ranked]
    return counts[:MOST_SHOWN]
