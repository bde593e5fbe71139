"""Randomly drawn rows with the label of their content: what every estimate of production rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.store.ledgers.outcomes import current_labels
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy

RANDOM, TRAIN = "random", "train"
CONTESTED: Final = "disagreement"
OWN = ("trace_id", "stratum", "inclusion_probability", "ts", "model_version", "predicted", "group_key")
SERVED_CONFIDENCE = "served_confidence"
IS_OWN_LABEL = "is_own_label"
IS_TRAINED_ON = "is_trained_on"
DRAWN_IN = "drawn_in"


@dataclass(frozen=True)
class LabeledDraw:
    """A logged row that was drawn at random, as it was served, and the label of its content.

    Attributes
    ----------
    trace_id, ts
        Of the prediction.
    label, predicted
        The class that the label and the model say, under today's names.
    model_version
        Version that predicted.
    confidence
        Largest probability that was logged; None without.
    inclusion_probability
        With which the row was drawn, above 0, at most 1.
    segments
        Segment values by name.
    group_key
        Of the row's group; None without ``split.group``. Rows of a group are not independent.
    is_trained_on
        Whether models may train on the label. The row counts for what was served all the same.
    label_id, request_id
        Of the label; the request is None of a seed label.
    """

    trace_id: str
    ts: datetime
    label: str
    predicted: str
    model_version: str
    confidence: float | None
    inclusion_probability: float
    segments: Mapping[str, str | None]
    group_key: str | None
    is_trained_on: bool
    label_id: str
    request_id: str | None


def labeled_draws(
    store: LoopStore,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    model_version: str | None = None,
) -> list[LabeledDraw]:
    """Return the drawn rows whose content has a label, in today's classes, in the order of their time.

    Each row stands for ``1 / inclusion_probability`` rows as they were served, whatever split its content is in: a weighted
    mean over them is unbiased for what production was. A content is asked once without a pre-label, and that label counts for
    every drawn row of it.

    Parameters
    ----------
    store
        Tables of the loop.
    since, until
        Only rows of this moment or later, and before that moment.
    model_version
        Only rows that this version answered.
    """
    bounds: Filter = [("stratum", "=", RANDOM)]
    bounds += [("ts", ">=", since)] if since else []
    bounds += [("ts", "<", until)] if until else []
    bounds += [("model_version", "=", model_version)] if model_version else []
    inputs = set(store.loop.input_columns.values())  # the largest columns, and nobody looks at them here
    columns = [name for name in store.schema("labels").names if name not in inputs]
    taxonomy = Taxonomy.of(store.loop.task)
    labels, former = (
        taxonomy.read_labels(current_labels(store.read("labels", columns=columns, filters=filters)))
        for filters in (None, bounds)
    )
    rows = joined(store.read("draws", filters=bounds), labels, former=former)
    rows = taxonomy.read_labels(rows)  # what was served may speak of former classes, too
    ordered = _with_confidence(store, rows).sort_by([("ts", "ascending"), ("trace_id", "ascending")])
    return [_read(store, row) for row in ordered.to_pylist() if row["predicted"]]


def are_trained_on(rows: pa.Table) -> pa.ChunkedArray:
    """Return which labels, or requests for labels, models train on: not those of rows that were drawn at random.

    Such a label judges what a model says of a content, also where the model knows the content by another label.

    Parameters
    ----------
    rows
        Have ``split`` and ``stratum``.
    """
    return pc.and_(pc.equal(rows.column("split"), TRAIN), pc.not_equal(rows.column("stratum"), RANDOM))


def joined(draws: pa.Table, labels: pa.Table, *, former: pa.Table) -> pa.Table:
    """Return the drawn rows whose content has a label, as rows of ``labels`` with what is the draw's own in its place.

    Parameters
    ----------
    draws
        Rows of ``draws``.
    labels
        Current labels, whatever split and stratum they are of.
    former
        Labels of the random stratum. Those whose row is in no draw were drawn by an earlier version, which kept the
        probability with the label; they are draws of their own.

    Returns
    -------
    pyarrow.Table
        Columns of ``labels``, `SERVED_CONFIDENCE`, `IS_OWN_LABEL`: whether the row itself was asked, `IS_TRAINED_ON`: whether
        models train on the label, and `DRAWN_IN`: the batch that drew it; null where that is not known.
    """
    asked, drawn_contents = (draws.column(name).combine_chunks() for name in ("asked_trace_id", "content_key"))
    of_asked = pc.is_in(labels.column("trace_id"), value_set=asked)
    labels = labels.filter(pc.or_(of_asked, pc.is_in(labels.column("content_key"), value_set=drawn_contents)))
    contents, ids = (labels.column(name).to_pylist() for name in ("content_key", "trace_id"))
    blind, newest_last = _blind(labels), newest_blind_last(labels)
    by_content = {contents[place]: place for place in newest_last if blind[place]}
    by_trace_id = {ids[place]: place for place in newest_last}
    pairs = zip(asked.to_pylist(), drawn_contents.to_pylist(), strict=True)
    places = [by_trace_id.get(trace_id, by_content.get(content)) for trace_id, content in pairs]
    drawn = draws.filter(pa.array([place is not None for place in places], pa.bool_()))
    rows = labels.take(pa.array([place for place in places if place is not None], pa.int64()))
    own, trained = pc.equal(rows.column("trace_id"), drawn.column("trace_id")), are_trained_on(rows)
    for name in [*OWN, *(name for name in draws.column_names if name.startswith("segment_"))]:
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), drawn.column(name))
    rows = rows.append_column(SERVED_CONFIDENCE, drawn.column("confidence")).append_column(IS_OWN_LABEL, own)
    rows = rows.append_column(IS_TRAINED_ON, trained).append_column(DRAWN_IN, drawn.column("batch_id"))
    return pa.concat_tables([rows, _drawn_formerly(draws, former)])


def newest_blind_last(labels: pa.Table) -> list[int]:
    """Return the places of labels in the order in which a later one takes an earlier one's place.

    One that was answered without a pre-label counts before any that was not, and of such ones the newest.

    Parameters
    ----------
    labels
        Have ``trace_id``, ``decided_at`` and ``hidden_prelabel``.
    """
    blind, decided, ids = _blind(labels), *(labels.column(name).to_pylist() for name in ("decided_at", "trace_id"))
    return sorted(range(labels.num_rows), key=lambda place: (blind[place], decided[place], ids[place]))


def _blind(labels: pa.Table) -> list[bool]:
    """Return which labels were answered without a pre-label, or are of an earlier version, which showed none."""
    blind: list[bool] = pc.fill_null(labels.column("hidden_prelabel"), True).to_pylist()
    return blind


def _drawn_formerly(draws: pa.Table, labels: pa.Table) -> pa.Table:
    """Return the labels whose row is in no draw, as `joined` returns rows."""
    drawn = pc.is_in(labels.column("trace_id"), value_set=pa.array(draws.column("trace_id").to_pylist(), pa.string()))
    rows = labels.filter(pc.invert(drawn))
    confidence = pa.nulls(rows.num_rows, pa.float64())
    own = pa.array([True] * rows.num_rows, pa.bool_())
    trained = are_trained_on(rows)
    rows = rows.append_column(SERVED_CONFIDENCE, confidence).append_column(IS_OWN_LABEL, own)
    return rows.append_column(IS_TRAINED_ON, trained).append_column(DRAWN_IN, pa.nulls(rows.num_rows, pa.string()))


def _with_confidence(store: LoopStore, rows: pa.Table) -> pa.Table:
    """Return the rows with the confidences that requests kept, where an earlier version drew them."""
    confidences = rows.column(SERVED_CONFIDENCE).to_pylist()
    if None not in confidences:
        return rows
    requests = store.read("requests", columns=["request_id", "prelabel_confidence"])
    kept = dict(zip(*(requests.column(name).to_pylist() for name in requests.column_names), strict=True))
    ids = rows.column("request_id").to_pylist()
    own = rows.column(IS_OWN_LABEL).to_pylist()
    known = [
        kept.get(request_id) if value is None and is_own else value
        for value, request_id, is_own in zip(confidences, ids, own, strict=True)
    ]
    place = rows.column_names.index(SERVED_CONFIDENCE)
    return rows.set_column(place, SERVED_CONFIDENCE, pa.array(known, pa.float64()))


def _read(store: LoopStore, row: Mapping[str, Any]) -> LabeledDraw:
    return LabeledDraw(
        trace_id=row["trace_id"],
        ts=row["ts"],
        label=row["label"],
        predicted=row["predicted"],
        model_version=row["model_version"],
        confidence=row[SERVED_CONFIDENCE],
        inclusion_probability=row["inclusion_probability"],
        segments={name: row[column] for name, column in store.loop.segment_columns.items()},
        group_key=row["group_key"],
        is_trained_on=row[IS_TRAINED_ON],
        label_id=row["label_id"],
        request_id=row["request_id"],
    )
