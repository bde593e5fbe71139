"""How often models are right, not how often labels say so: annotators err, and some answers never became a label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.decisions.challenger_evaluation import NoiseCorrection
from include.foundation.statistics.label_noise import true_accuracy
from include.foundation.store.ledgers.annotations import Annotation, latest_annotations
from include.foundation.store.ledgers.labeled_draws import RANDOM
from include.foundation.store.ledgers.outcomes import set_aside
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.labeling.requested_rows import requested_predictions
from include.stages.labels.consensus import votes_of

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

ASKED = ("request_id", "trace_id", "ts", "asked_at", "pushed_at", "stratum", "inclusion_probability")
DRAWN = ("trace_id", "asked_trace_id", "inclusion_probability")
LABELER = "who gave labels without requests"
Request = Mapping[str, Any]


def noise_correction(
    store: LoopStore, rows: pa.Table, champion: "LoadedModel | None", challenger: "LoadedModel"
) -> NoiseCorrection | None:
    """Return the accuracy of both models corrected for errors of annotators; None for the first model or another score.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Labeled rows that judge both models, see `include.stages.evaluation.recent_holdout`.
    champion, challenger
        The models.

    Notes
    -----
    Each content counts once, with the weight of all its drawn rows. What was set aside counts by its answers. What was drawn in
    the same time and never answered until its deadline widens the intervals: it could be right or wrong.
    """
    rows = Taxonomy.of(store.loop.task).read_labels(rows)
    if champion is None or store.loop.gate.score != "accuracy" or not rows.num_rows:
        return None
    keys, labeled, weights = _labeled(rows)
    unlabeled = _unlabeled(store, rows)
    annotations = latest_annotations(store, [*keys, *unlabeled])
    votes = [each for each in annotations if each.is_vote]
    answered = {each.request_id for each in votes}
    votes += [_only_answer(row) for key, row in labeled.items() if key not in answered]
    aside = {key: request for key, (request, _) in unlabeled.items() if key in answered}
    weights |= {key: unlabeled[key][1] for key in aside}
    missing = [weight for key, (_, weight) in unlabeled.items() if key not in answered]
    indexed, _ = votes_of(votes, store.loop.task.classes)
    order = sorted(weights)
    inputs = _inputs(store, [labeled[key] if key in labeled else aside[key] for key in order])
    share = np.array([weights[key] for key in order])
    champion_accuracy, challenger_accuracy = (
        true_accuracy(indexed, _predicted(model, inputs), share, sum(missing)) for model in (champion, challenger)
    )
    return NoiseCorrection(
        champion=champion_accuracy, challenger=challenger_accuracy, set_aside=len(aside), unanswered=len(missing)
    )


def _labeled(rows: pa.Table) -> tuple[list[str], dict[str, Request], dict[str, float]]:
    """Return the keys of the labeled contents, one row of each by key, and how many rows each stands for."""
    records = rows.to_pylist()
    keys = [row["request_id"] or row["label_id"] for row in records]
    weights: Counter[str] = Counter()
    for key, row in zip(keys, records, strict=True):
        weights[key] += 1 / row["inclusion_probability"]
    return keys, dict(zip(keys, records, strict=True)), dict(weights)


def _only_answer(row: Request) -> Annotation:
    """Return a label that rests on no annotation, such as a seed's, as the answer of whoever gave those."""
    key = row["request_id"] or row["label_id"]
    return Annotation(key, key, row["trace_id"], LABELER, row["label"], row["decided_at"], LABELER)


def _unlabeled(store: LoopStore, rows: pa.Table) -> dict[str, tuple[Request, float]]:
    """Return requests for drawn rows that led to no label, by id, and how many rows each stands for.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        The labeled rows: what was drawn before the first of them, or is still to be answered when the last of them was
        decided, does not count.
    """
    since, decided = min(rows.column("ts").to_pylist()), max(rows.column("decided_at").to_pylist())
    weights = _waiting(store, since, set(rows.column("trace_id").to_pylist()))
    filters: Filter = [("trace_id", "in", sorted(weights))]
    requests = store.read("requests", columns=list(ASKED), filters=filters).sort_by("asked_at").to_pylist()
    newest = {request["trace_id"]: request for request in requests}
    ids = [("request_id", "in", sorted(request["request_id"] for request in requests))]
    labeled = set(store.read("labels", columns=["request_id"], filters=ids).column("request_id").to_pylist())
    aside = set(set_aside(store).column("source").to_pylist())
    overdue = decided - timedelta(hours=store.loop.labeling.deadline_hours)
    return {
        request["request_id"]: (request, weights[trace_id])
        for trace_id, request in newest.items()
        if request["request_id"] not in labeled
        and (request["request_id"] in aside or (request["pushed_at"] is not None and request["pushed_at"] <= overdue))
    }


def _waiting(store: LoopStore, since: Any, labeled: set[str]) -> dict[str, float]:
    """Return by trace id of what was asked how many rows without a label it stands for, of those drawn since a moment."""
    weights: Counter[str] = Counter()
    draws = store.read("draws", columns=list(DRAWN), filters=[("ts", ">=", since)]).to_pylist()
    former: Filter = [("stratum", "=", RANDOM), ("ts", ">=", since)]  # of an earlier version, which kept no draws
    requests = store.read("requests", columns=["trace_id", "inclusion_probability"], filters=former).to_pylist()
    drawn = {draw["trace_id"] for draw in draws}
    draws += [
        request | {"asked_trace_id": request["trace_id"]} for request in requests if request["trace_id"] not in drawn
    ]
    for draw in draws:
        if draw["trace_id"] not in labeled:
            weights[draw["asked_trace_id"]] += 1 / draw["inclusion_probability"]
    return dict(weights)


def _inputs(store: LoopStore, contents: Sequence[Request]) -> pa.Table:
    """Return the inputs of labeled rows, and of the rows that requests are about."""
    columns = list(store.loop.input_columns.values())
    asked = requested_predictions(store, [content for content in contents if columns[0] not in content])
    rows = [asked.get(content["request_id"] or "", content) for content in contents]
    return rows_of(store.loop, "predictions", [{name: row[name] for name in columns} for row in rows])


def _predicted(model: "LoadedModel", rows: pa.Table) -> NDArray[np.int64]:
    """Return the number of the class that a model predicts of each row; -1 of a retired one."""
    numbers = {name: number for number, name in enumerate(model.loop.task.classes)}
    return np.array([numbers.get(name, -1) for name in model.predict(rows)[0]], dtype=np.int64)
