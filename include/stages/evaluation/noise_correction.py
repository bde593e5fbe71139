"""How often models are right, not how often labels say so: annotators err, and some answers never became a label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.decisions.challenger_evaluation import NoiseCorrection
from include.foundation.statistics.label_noise import ServedItems, true_accuracy
from include.foundation.store.ledgers.annotations import answers_to, votes_of
from include.foundation.store.ledgers.served_confidence import ServedRow
from include.foundation.store.ledgers.unlabeled_draws import unlabeled_draws
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.recent_holdout import keys_of_answers, served_with
from include.stages.labeling.requested_rows import requested_predictions

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

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
    labeled, weights = _labeled(rows)
    since, decided = min(rows.column("ts").to_pylist()), max(rows.column("decided_at").to_pylist())
    unlabeled = unlabeled_draws(store, set(rows.column("trace_id").to_pylist()), since, decided)
    votes = answers_to(store, {key: row["label"] for key, row in labeled.items()}, unlabeled)
    answered = {each.request_id for each in votes}
    aside = {key: content for key, content in unlabeled.items() if key in answered}
    weights |= {key: content.weight for key, content in aside.items()}
    missing = [content.weight for key, content in unlabeled.items() if key not in answered]
    indexed, _ = votes_of(votes, store.loop.task.classes)
    order = sorted(weights)
    served = _served_items(
        store, rows, {key: aside[key].rows for key in aside}, {key: place for place, key in enumerate(order)}
    )
    inputs = _inputs(store, [labeled[key] if key in labeled else aside[key].request for key in order])
    share = np.array([weights[key] for key in order])
    champion_accuracy, challenger_accuracy = (
        true_accuracy(indexed, _predicted(model, inputs), share, sum(missing), served)
        for model in (champion, challenger)
    )
    return NoiseCorrection(
        champion=champion_accuracy, challenger=challenger_accuracy, set_aside=len(aside), unanswered=len(missing)
    )


def _served_items(
    store: LoopStore, rows: pa.Table, aside: Mapping[str, Sequence[ServedRow]], places: Mapping[str, int]
) -> ServedItems | None:
    """Return the drawn rows behind the contents; None where they are not drawn from all that was served."""
    beside = served_with(store, rows)
    if beside is None:
        return None
    pairs = [
        *zip(keys_of_answers(rows), beside.rows, strict=True),
        *((key, row) for key in aside for row in aside[key]),
    ]
    items = np.array([places[key] for key, _ in pairs], dtype=np.int64)
    return replace(beside, rows=[row for _, row in pairs]).behind(items)


def _labeled(rows: pa.Table) -> tuple[dict[str, Request], dict[str, float]]:
    """Return one row of each labeled content by its key, and how many rows each stands for."""
    records = rows.to_pylist()
    keys = keys_of_answers(rows)
    weights: Counter[str] = Counter()
    for key, row in zip(keys, records, strict=True):
        weights[key] += 1 / row["inclusion_probability"]
    return dict(zip(keys, records, strict=True)), dict(weights)


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
