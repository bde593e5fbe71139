"""What a row of each table is. Inputs and segments are flat columns: ``input_<name>`` and ``segment_<name>``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from include.foundation.config.loop_file import Loop

TIMESTAMP = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
FOR_GOOD = 36_500  # days
INPUT_TYPES = {
    "text": pa.string(),
    "categorical": pa.string(),
    "numeric": pa.float64(),
    "vector": pa.list_(pa.float64()),
}


@dataclass(frozen=True)
class TableSchema:
    """A table's columns, the key that makes a row unique, how it is partitioned on disk, and Delta's properties of it."""

    name: str
    columns: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


def schemas(loop: Loop) -> dict[str, TableSchema]:
    """Return the schema of every table of a loop, by table name.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> schemas(loop_named("newswire"))["predictions"].key
    ('trace_id',)
    """
    inputs = [pa.field(f"input_{name}", INPUT_TYPES[item.type]) for name, item in loop.inputs.items()]
    segments = [pa.field(f"segment_{name}", pa.string()) for name in loop.segments]
    tables = [_predictions(inputs + segments), _labels(loop, inputs + segments), *_FIXED]
    return {table.name: table for table in tables}


def _predictions(own: list[pa.Field]) -> TableSchema:
    columns = [
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("ts", TIMESTAMP, nullable=False),
        pa.field("day", pa.string(), nullable=False),  # YYYY-MM-DD of ts, in UTC
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("predicted", pa.string(), nullable=False),
        pa.field("confidence", pa.float64()),  # largest probability; null without probabilities
        pa.field("probabilities", pa.list_(pa.float64())),  # in the order of task.classes; null when not logged
        pa.field("embedding", pa.list_(pa.float32())),
        pa.field("user_key", pa.string()),  # pseudonym
        pa.field("source", pa.string()),  # file the row came from
        *own,
    ]
    return TableSchema("predictions", pa.schema(columns), ("trace_id",), ("day",))


def _labels(loop: Loop, own: list[pa.Field]) -> TableSchema:
    columns = [
        pa.field(
            "label_id", pa.string(), nullable=False
        ),  # digest of request and answers: the same answers, the same id
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("request_id", pa.string()),  # null for seed labels
        pa.field("label", pa.string(), nullable=False),
        pa.field("decided_by", pa.string(), nullable=False),  # dawid_skene, majority, seed
        pa.field("confidence", pa.float64()),
        pa.field("annotators", pa.int64()),
        pa.field("agreement", pa.float64()),  # share of answers equal to the label
        pa.field("origin", pa.string(), nullable=False),  # annotation, correction, seed
        pa.field("split", pa.string(), nullable=False),  # train, holdout
        pa.field("stratum", pa.string(), nullable=False),  # certainty, random, disagreement, seed
        pa.field("inclusion_probability", pa.float64(), nullable=False),
        pa.field("evidence_for", pa.string()),  # challenger key whose disagreement asked for it
        pa.field("content_key", pa.string(), nullable=False),  # equal for near duplicates
        pa.field("supersedes", pa.string()),  # label_id it replaces
        pa.field("predicted", pa.string()),  # what the live model said, and which
        pa.field("model_version", pa.string()),
        pa.field("ts", TIMESTAMP, nullable=False),  # of the prediction
        pa.field("decided_at", TIMESTAMP, nullable=False),  # of the last answer used
        *own,
    ]
    return TableSchema("labels", pa.schema(columns), ("label_id",), properties=_kept_for(loop.labels.history_days))


def _kept_for(days: int | None) -> dict[str, str]:
    """Return the properties that keep a table's earlier versions: Delta itself would forget them after 30 days.

    The files of a version go only with a vacuum, which nobody but a person starts.
    """
    return {
        "delta.enableExpiredLogCleanup": "false" if days is None else "true",
        "delta.logRetentionDuration": f"interval {days or FOR_GOOD} days",
        "delta.deletedFileRetentionDuration": f"interval {days or FOR_GOOD} days",
    }


_FIXED = (
    TableSchema(
        "files_read",
        pa.schema(
            [
                pa.field("kind", pa.string(), nullable=False),  # logs, feedback
                pa.field("name", pa.string(), nullable=False),  # relative to the folder; of a query, its bounds
                pa.field("fingerprint", pa.string(), nullable=False),  # ETag, or size and modification time
                pa.field("reader", pa.string(), nullable=False),  # digest of what decides how lines are read
                pa.field("start_byte", pa.int64(), nullable=False),
                pa.field("end_byte", pa.int64(), nullable=False),  # lines that begin before it were read
                pa.field("edges", pa.string()),  # digest of the file's beginning and of what is before end_byte
                pa.field("written_at", TIMESTAMP, nullable=False),
                pa.field("interval_start", TIMESTAMP, nullable=False),  # data interval whose run read it
                pa.field("interval_end", TIMESTAMP, nullable=False),
                pa.field("lines", pa.int64(), nullable=False),  # = rows + late + early + duplicates + refused
                pa.field("rows", pa.int64(), nullable=False),  # landed in that interval
                pa.field("late", pa.int64(), nullable=False),  # landed before it
                pa.field("early", pa.int64(), nullable=False),  # landed after it
                pa.field("duplicates", pa.int64(), nullable=False),
                pa.field("refused", pa.int64(), nullable=False),
            ]
        ),
        ("kind", "name", "fingerprint", "reader", "start_byte"),
    ),
    TableSchema(
        "quarantine",
        pa.schema(
            [
                pa.field("refusal_id", pa.string(), nullable=False),  # digest of source, line and raw text
                pa.field("stage", pa.string(), nullable=False),  # logs, feedback, answers, labels
                pa.field("interval_start", TIMESTAMP),  # data interval it was first met in
                pa.field("interval_end", TIMESTAMP),
                pa.field("source", pa.string(), nullable=False),
                pa.field("line", pa.int64()),  # 1-based line or row; null if the file as a whole
                pa.field("trace_id", pa.string()),
                pa.field("ts", TIMESTAMP),  # of the line, where it could be read
                pa.field("reason_code", pa.string(), nullable=False),
                pa.field("reason", pa.string(), nullable=False),
                pa.field("raw", pa.string(), nullable=False),
            ]
        ),
        ("refusal_id",),
    ),
    TableSchema(
        "profiles",
        pa.schema(
            [
                pa.field("day", pa.string(), nullable=False),
                pa.field("segment", pa.string(), nullable=False),  # "desk=eu"; "" is all rows together
                pa.field("column", pa.string(), nullable=False),
                pa.field("kind", pa.string(), nullable=False),  # numeric, categorical
                pa.field("rows", pa.int64(), nullable=False),
                pa.field("nulls", pa.int64(), nullable=False),
                pa.field("edges", pa.list_(pa.float64())),  # numeric: k + 1 bin edges, outer ones infinite
                pa.field("counts", pa.list_(pa.int64()), nullable=False),  # per bin or category
                pa.field("categories", TEXTS),  # categorical: name of each count
                pa.field("total", pa.float64()),  # numeric: sum, and sum of squares, of the finite values
                pa.field("total_squared", pa.float64()),
            ]
        ),
        ("day", "segment", "column"),
        ("day",),
    ),
    TableSchema(
        "feedback",
        pa.schema(
            [
                pa.field("feedback_id", pa.string(), nullable=False),
                pa.field("trace_id", pa.string(), nullable=False),
                pa.field("ts", TIMESTAMP, nullable=False),
                pa.field("kind", pa.string(), nullable=False),  # explicit, implicit, automated
                pa.field("signal", pa.string(), nullable=False),
                pa.field("value", pa.string()),  # JSON
                pa.field("comment", pa.string()),
                pa.field("user_key", pa.string()),
                pa.field("source", pa.string()),  # system it came from, as the line says
                pa.field("file", pa.string()),
                pa.field("held_back", pa.string()),  # why it is not acted on: burst_person, burst_source
            ]
        ),
        ("feedback_id",),
    ),
    TableSchema(
        "requests",
        pa.schema(
            [
                pa.field("request_id", pa.string(), nullable=False),  # digest of loop, trace_id and tier
                pa.field("batch_id", pa.string(), nullable=False),  # the interval, or the evidence round, that asked
                pa.field("trace_id", pa.string(), nullable=False),
                pa.field("tier", pa.int64(), nullable=False),
                pa.field("stratum", pa.string(), nullable=False),  # certainty, random, disagreement
                pa.field("split", pa.string(), nullable=False),  # train, holdout
                pa.field("inclusion_probability", pa.float64(), nullable=False),
                pa.field("score", pa.float64()),  # informativeness, larger is more
                pa.field("reasons", TEXTS, nullable=False),
                pa.field("prelabel", pa.string()),
                pa.field("prelabel_confidence", pa.float64()),
                pa.field("hidden_prelabel", pa.bool_(), nullable=False),
                pa.field("evidence_for", pa.string()),
                pa.field("content_key", pa.string(), nullable=False),
                pa.field("asked_at", TIMESTAMP, nullable=False),  # end of the data interval, not the clock
                pa.field("external_id", pa.string()),  # task in the labeling backend; null until pushed
                pa.field("pushed_at", TIMESTAMP),  # clock
            ]
        ),
        ("request_id",),
    ),
    TableSchema(
        "annotations",
        pa.schema(
            [
                pa.field("annotation_id", pa.string(), nullable=False),  # digest of request, annotator, time and label
                pa.field("request_id", pa.string(), nullable=False),
                pa.field("trace_id", pa.string(), nullable=False),
                pa.field("annotator", pa.string(), nullable=False),  # pseudonym
                pa.field("label", pa.string(), nullable=False),
                pa.field("comment", pa.string()),
                pa.field("lead_time_seconds", pa.float64()),
                pa.field("created_at", TIMESTAMP, nullable=False),
                pa.field("source", pa.string(), nullable=False),
            ]
        ),
        ("annotation_id",),
    ),
    TableSchema(
        "decisions",
        pa.schema(
            [
                pa.field("sequence", pa.int64(), nullable=False),  # 1, 2, 3 …
                pa.field("kind", pa.string(), nullable=False),
                pa.field(
                    "subject", pa.string(), nullable=False
                ),  # what is decided on: an interval, a challenger, a version
                pa.field("outcome", pa.string(), nullable=False),
                pa.field("reasons", TEXTS, nullable=False),
                pa.field("evidence", pa.string(), nullable=False),  # canonical JSON
                pa.field("evidence_digest", pa.string(), nullable=False),
                pa.field("config_digest", pa.string(), nullable=False),
                pa.field("decided_at", TIMESTAMP, nullable=False),  # clock
                pa.field("previous_hash", pa.string(), nullable=False),
                pa.field("hash", pa.string(), nullable=False),
            ]
        ),
        ("kind", "subject", "evidence_digest"),
    ),
    TableSchema(
        "deployments",
        pa.schema(
            [
                pa.field("sequence", pa.int64(), nullable=False),
                pa.field("model_version", pa.string(), nullable=False),
                pa.field("previous_version", pa.string()),
                pa.field("action", pa.string(), nullable=False),  # deploy, rollback
                pa.field("why", pa.string(), nullable=False),
                pa.field("evidence_digest", pa.string(), nullable=False),  # of the decision that allowed it
                pa.field("promised_score", pa.float64()),
                pa.field("promised_low", pa.float64()),
                pa.field("promised_high", pa.float64()),
                pa.field("live_from", TIMESTAMP, nullable=False),  # in log time: rows after it were served by it
                pa.field("deployed_at", TIMESTAMP, nullable=False),  # clock
            ]
        ),
        ("model_version", "action", "evidence_digest"),
    ),
)
