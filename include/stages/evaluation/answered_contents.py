"""The contents behind rows that judge models, and what people answered to each, whether it became a label or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.foundation.statistics.label_noise import ServedItems
from include.foundation.statistics.votes import Votes
from include.foundation.store.ledgers.annotations import answers_to, votes_of
from include.foundation.store.ledgers.unlabeled_draws import UnlabeledContent, unlabeled_draws
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.evaluation.recent_holdout import keys_of_answers, served_with
from include.stages.labeling.requested_rows import requested_predictions

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

Row = Mapping[str, Any]


@dataclass(frozen=True)
class AnsweredContents:
    """Contents that somebody answered, each once.

    Attributes
    ----------
    votes
        The answers; items are the contents.
    weights
        For how many rows each stands, (contents,).
    inputs
        Of each, columns of ``predictions``.
    row_contents, row_weights
        Of each drawn row: the number of its content, and for how many rows it stands.
    row_segments
        The segment values of each drawn row, by segment.
    served
        The drawn rows as they were served; None where they are not drawn from all that was.
    set_aside
        How many of the contents have no label.
    unanswered
        How many rows each content stands for that nobody answered until its deadline.
    """

    votes: Votes
    weights: NDArray[np.float64]
    inputs: pa.Table
    row_contents: NDArray[np.int64]
    row_weights: NDArray[np.float64]
    row_segments: dict[str, list[str | None]]
    served: ServedItems | None
    set_aside: int
    unanswered: list[float]

    def predicted(self, model: "LoadedModel") -> NDArray[np.int64]:
        """Return the number of the class that a model predicts of each content; -1 of a retired one."""
        numbers = {name: number for number, name in enumerate(model.loop.task.classes)}
        return np.array([numbers.get(name, -1) for name in model.predict(self.inputs)[0]], dtype=np.int64)

    def weights_in(self, segment: str, value: str | None) -> NDArray[np.float64]:
        """Return for how many rows of a segment value each content stands, (contents,)."""
        within = np.array([of_row == value for of_row in self.row_segments[segment]], dtype=np.float64)
        return np.bincount(self.row_contents, self.row_weights * within, self.votes.items).astype(np.float64)


def answered_contents(store: LoopStore, rows: pa.Table) -> AnsweredContents:
    """Return the contents of labeled rows, and those that were drawn in the same time and set aside.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        Labeled rows that judge models, see `include.stages.evaluation.recent_holdout`; at least one.
    """
    rows = Taxonomy.of(store.loop.task).read_labels(rows)
    labeled = dict(zip(keys_of_answers(rows), rows.to_pylist(), strict=True))
    decided = max(rows.column("decided_at").to_pylist())
    moments = [moment for moment in rows.column("ts").to_pylist() if moment is not None]  # seeds have none
    since = min(moments, default=decided)
    unlabeled = unlabeled_draws(store, set(rows.column("trace_id").to_pylist()), since, decided)
    votes = answers_to(store, {key: row["label"] for key, row in labeled.items()}, unlabeled)
    answered = {each.request_id for each in votes}
    aside = {key: content for key, content in unlabeled.items() if key in answered}
    order = sorted([*labeled, *aside])
    records = _records(store, [labeled[key] if key in labeled else aside[key].request for key in order])
    contents, row_weights = _drawn(rows, aside, {key: place for place, key in enumerate(order)})
    return AnsweredContents(
        votes=votes_of(votes, store.loop.task.classes)[0],
        weights=np.bincount(contents, row_weights, len(order)).astype(np.float64),
        inputs=_inputs(store, records),
        row_contents=contents,
        row_weights=row_weights,
        row_segments=_segments(store, rows, [records[place] for place in contents[rows.num_rows :]]),
        served=_served(store, rows, aside, contents),
        set_aside=len(aside),
        unanswered=[content.weight for key, content in unlabeled.items() if key not in answered],
    )


def _drawn(
    rows: pa.Table, aside: Mapping[str, UnlabeledContent], places: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return of each drawn row, those with labels first, the place of its content and for how many rows it stands."""
    labeled = zip(keys_of_answers(rows), rows.column("inclusion_probability").to_pylist(), strict=True)
    unlabeled = ((key, row.inclusion_probability) for key, content in aside.items() for row in content.rows)
    keys, chances = zip(*labeled, *unlabeled, strict=True)
    return np.array([places[key] for key in keys], dtype=np.int64), 1 / np.array(chances, dtype=np.float64)


def _served(
    store: LoopStore, rows: pa.Table, aside: Mapping[str, UnlabeledContent], contents: NDArray[np.int64]
) -> ServedItems | None:
    beside = served_with(store, rows)
    if beside is None:
        return None
    return replace(beside, rows=[*beside.rows, *(row for content in aside.values() for row in content.rows)]).behind(
        contents
    )


def _records(store: LoopStore, contents: Sequence[Row]) -> list[Row]:
    """Return a row with the inputs and segments of each content: that which has a label, or which a request is about."""
    first = next(iter(store.loop.input_columns.values()))
    asked = requested_predictions(store, [content for content in contents if first not in content])
    return [asked.get(content["request_id"] or "", content) for content in contents]


def _inputs(store: LoopStore, records: Sequence[Row]) -> pa.Table:
    columns = [*store.loop.input_columns.values(), "predicted"]
    return rows_of(store.loop, "predictions", [{name: row[name] for name in columns} for row in records])


def _segments(store: LoopStore, rows: pa.Table, aside: Sequence[Row]) -> dict[str, list[str | None]]:
    """Return the segment values of the drawn rows; those of a content without a label are of the row that was asked about."""
    columns = {name: f"segment_{name}" for name in store.loop.segments}
    return {
        name: [*rows.column(column).to_pylist(), *(row[column] for row in aside)] for name, column in columns.items()
    }
