"""Rows whose class was retired, asked about again: what they are among the classes of today."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from include.foundation.intervals import Interval
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.selection.asked import Asked
from include.stages.selection.frame import candidates_of
from include.stages.selection.requests import OF_RETIRED, Choice, request_rows

RELABELED = "asked again"  # how the reasons begin
MOST_NAMED = 12

Row = Mapping[str, Any]


def relabel_requests(
    store: LoopStore, interval: Interval, asked: Asked, chosen: int, *, shown_from: float = 0.0
) -> pa.Table:
    """Return requests about the rows whose label says a retired class, as rows of ``requests``.

    A row stays in its split and stratum, and stands for as many rows as before. Held-out ones come first, for without them no
    score is of the rows that the class had; the newest first. Who was asked for blind is asked for blind again.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch.
    asked
        What is asked now and was asked before; what is asked again is noted in it.
    chosen
        How many rows of the batch are chosen rather than drawn; ``selection.relabel_share`` of them are asked again at most.
    shown_from
        See `request_rows`.
    """
    share = store.loop.selection.relabel_share
    n = min(chosen, max(1, int(chosen * share))) if share else 0
    labels = _of_retired_classes(store, asked)[:n] if n > 0 else []
    rows = _predictions(store, labels)
    again = [label for label in labels if (label["trace_id"], label["ts"]) in rows]
    if not again:
        return rows_of(store.loop, "requests", [])
    logged = pa.Table.from_pylist(
        [rows[label["trace_id"], label["ts"]] for label in again], store.schema("predictions")
    )
    candidates = replace(
        candidates_of(store, logged, asked),
        splits=[label["split"] for label in again],
        repeats=[label["hidden_prelabel"] is not False for label in again],
    )
    choices = [_choice(store, place, label) for place, label in enumerate(again)]
    requests = request_rows(
        store.loop, candidates, choices, batch_id=interval.key, asked_at=interval.end, shown_from=shown_from
    )
    asked.note(requests)
    return requests


def are_relabeled(batch: pa.Table) -> list[bool]:
    """Return which requests of a batch are about rows whose class was retired."""
    return [cause == OF_RETIRED for cause in batch.column("cause").to_pylist()]


def _of_retired_classes(store: LoopStore, asked: Asked) -> list[Row]:
    """Return the labels of rows that can be asked again, one of each content and split, in the order in which they are."""
    taxonomy = Taxonomy.of(store.loop.task)
    if not any(map(taxonomy.is_retired, taxonomy.former)):
        return []
    columns = [
        "label_id", "supersedes", "request_id", "trace_id", "ts", "label", "split", "stratum", "inclusion_probability",
        "content_key", "hidden_prelabel",
    ]  # fmt: skip
    labels = [row for row in current_labels(store.read("labels", columns=columns)).to_pylist() if _may_be_asked(row)]
    retired = [row for row in labels if taxonomy.is_retired(row["label"]) and row["trace_id"] not in asked.trace_ids]
    ordered = sorted(retired, key=lambda row: (row["split"] == "holdout", row["ts"], row["trace_id"]), reverse=True)
    contents = {(row["content_key"], row["split"]): row for row in reversed(ordered)}
    return [
        row
        for row in ordered
        if contents[row["content_key"], row["split"]] is row and row["content_key"] not in asked.contents
    ]


def _may_be_asked(label: Row) -> bool:
    """Tell whether a label is of a requested row that is trained on, or that was drawn as it was served."""
    return label["request_id"] is not None and (label["split"] == "train" or label["stratum"] == RANDOM)


def _predictions(store: LoopStore, labels: list[Row]) -> dict[tuple[str, Any], Row]:
    if not labels:
        return {}
    days = sorted({f"{label['ts']:%Y-%m-%d}" for label in labels})
    filters: Filter = [("day", "in", days), ("trace_id", "in", sorted(label["trace_id"] for label in labels))]
    return {(row["trace_id"], row["ts"]): row for row in store.read("predictions", filters=filters).to_pylist()}


def _choice(store: LoopStore, place: int, label: Row) -> Choice:
    """Return the choice of a row; who is asked for blind is not told what was said before."""
    classes = store.loop.task.classes
    names = ", ".join(classes[:MOST_NAMED]) + (" …" if classes[MOST_NAMED:] else "")
    retired = "its class" if label["hidden_prelabel"] is not False else f"class {label['label']}"
    reason = f"{RELABELED}: {retired} was retired; is it one of {names}?"
    return Choice(place, label["stratum"], label["split"], label["inclusion_probability"], reason, cause=OF_RETIRED)
