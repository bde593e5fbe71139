"""What a row of each table is. Inputs and segments are flat columns: ``input_<name>`` and ``segment_<name>``."""

from dataclasses import replace

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.store.common_schemas import COMMON
from include.foundation.store.retention import properties
from include.foundation.store.table_schema import (
    FLAG,
    INTEGER,
    NUMBER,
    NUMBERS,
    TEXT,
    TIMESTAMP,
    TableSchema,
    nullable,
    required,
    table,
)

INPUT_TYPES = {"text": TEXT, "categorical": TEXT, "numeric": NUMBER, "vector": NUMBERS}


def schemas(loop: Loop) -> dict[str, TableSchema]:
    """Return the schema of every table of a loop, by table name.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> schemas(loop_named("newswire"))["predictions"].key
    ('trace_id',)
    """
    inputs = [nullable(f"input_{name}", INPUT_TYPES[item.type]) for name, item in loop.inputs.items()]
    segments = [nullable(f"segment_{name}", TEXT) for name in loop.segments]
    tables = [
        _predictions(*inputs, *segments),
        _labels(loop, *inputs, *segments),
        _draws(*segments),
        *COMMON,
    ]
    return {table.name: replace(table, properties=properties(loop, table.name)) for table in tables}


def _predictions(*own: pa.Field) -> TableSchema:
    return table(
        "predictions",
        required("trace_id", TEXT),
        required("ts", TIMESTAMP),
        required("day", TEXT),  # YYYY-MM-DD of ts, in UTC
        required("model_version", TEXT),
        required("predicted", TEXT),
        nullable("confidence", NUMBER),  # largest probability; null without probabilities
        nullable("probabilities", NUMBERS),  # in the order of the taxonomy's classes; null when not logged
        nullable("taxonomy", TEXT),  # whose classes the probabilities speak of; null without probabilities
        nullable("embedding", pa.list_(pa.float32())),
        nullable("user_key", TEXT),  # pseudonym
        nullable("source", TEXT),  # file the row came from
        nullable("context", TEXT),  # JSON: of the request, as the log says
        nullable(
            "error", TEXT
        ),  # why the prediction is not the model's own, such as that of a fallback; a text, or JSON
        nullable("metadata", TEXT),  # JSON: whatever else the log says
        nullable("impact", NUMBER),  # what a wrong answer would cost, at least 0, in the user's unit
        nullable("source_id", TEXT),  # where the request came from: a caller, device or tenant
        *own,
        key=("trace_id",),
        partition_by=("day",),
    )


def _labels(loop: Loop, *own: pa.Field) -> TableSchema:
    return table(
        "labels",
        required(
            "label_id", TEXT
        ),  # digest of request and answers: the same answers, the same id; removed-… takes one back
        required("trace_id", TEXT),
        nullable("request_id", TEXT),  # null for seed labels
        required("label", TEXT),
        required("decided_by", TEXT),  # dawid_skene (_and_model, _and_users), majority, a tier, seed, removed
        nullable("confidence", NUMBER),
        nullable("annotators", INTEGER),
        nullable("agreement", NUMBER),  # share of answers equal to the label
        required(
            "origin", TEXT
        ),  # fresh, accepted (the pre-label shown), corrected (another one), seed, weak; before that, annotation
        required("split", TEXT),  # train, holdout
        required("stratum", TEXT),  # certainty, random, disagreement, seed
        required("inclusion_probability", NUMBER),
        nullable("evidence_for", TEXT),  # challenger key whose disagreement asked for it
        required("content_key", TEXT),  # equal for the same inputs; of an earlier version also for near duplicates
        nullable("supersedes", TEXT),  # label_id it replaces
        nullable("predicted", TEXT),  # what the live model said, and which
        nullable("model_version", TEXT),
        required("ts", TIMESTAMP),  # of the prediction
        required("decided_at", TIMESTAMP),  # of the last answer used
        nullable("near_key", TEXT),  # equal for near duplicates; null where an earlier version asked
        nullable("group_key", TEXT),  # of split.group; null without one
        nullable("hidden_prelabel", FLAG),  # as in requests; null of seeds, and where an earlier version labeled
        nullable("tier", INTEGER),  # that decided, from 1; null of seeds, and where an earlier version labeled
        nullable("rationale", TEXT),  # what those who decided said of it
        *own,
        key=("label_id",),
    )


def _draws(*segments: pa.Field) -> TableSchema:
    return table(
        "draws",
        required("batch_id", TEXT),  # the interval that was drawn from, or the evidence round
        required("trace_id", TEXT),
        required("stratum", TEXT),  # random, disagreement
        required("inclusion_probability", NUMBER),  # of the row, n of N rows as they were served
        required("ts", TIMESTAMP),  # of the prediction
        required("model_version", TEXT),  # what the live model said, and which
        required("predicted", TEXT),
        nullable("confidence", NUMBER),
        required("content_key", TEXT),
        nullable("group_key", TEXT),  # of split.group; null without one
        required("asked_trace_id", TEXT),  # the row that was asked for this one's content: itself, or an earlier one
        required("drawn_at", TIMESTAMP),  # end of the data interval, not the clock
        *segments,
        key=("batch_id", "trace_id"),
    )
