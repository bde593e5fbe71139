"""What a row of each table is. Inputs and segments are flat columns: ``input_<name>`` and ``segment_<name>``."""

from dataclasses import replace

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.store.retention import properties
from include.foundation.store.table_schema import (
    FLAG,
    INTEGER,
    INTEGERS,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
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
        *_SAME_FOR_EVERY_LOOP,
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
        required("decided_by", TEXT),  # dawid_skene, majority, seed, removed
        nullable("confidence", NUMBER),
        nullable("annotators", INTEGER),
        nullable("agreement", NUMBER),  # share of answers equal to the label
        required("origin", TEXT),  # annotation, correction, seed
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


_SAME_FOR_EVERY_LOOP = (
    table(
        "files_read",
        required("kind", TEXT),  # logs, feedback
        required("name", TEXT),  # relative to the folder; of a query, its bounds
        required("fingerprint", TEXT),  # ETag, or size and modification time
        required("reader", TEXT),  # digest of what decides how lines are read
        required("start_byte", INTEGER),
        required("end_byte", INTEGER),  # lines that begin before it were read
        nullable("edges", TEXT),  # digest of the file's beginning and of what is before end_byte
        required("written_at", TIMESTAMP),
        required("interval_start", TIMESTAMP),  # data interval whose run read it
        required("interval_end", TIMESTAMP),
        required("lines", INTEGER),  # = rows + late + early + duplicates + refused
        required("rows", INTEGER),  # landed in that interval
        required("late", INTEGER),  # landed before it
        required("early", INTEGER),  # landed after it
        required("duplicates", INTEGER),
        required("refused", INTEGER),
        nullable("table_version", INTEGER),  # of predictions, once the rows were in it
        nullable("table_rows", INTEGER),  # at that version
        key=("kind", "name", "fingerprint", "reader", "start_byte"),
    ),
    table(
        "quarantine",
        required("refusal_id", TEXT),  # digest of source, line and raw text
        required("stage", TEXT),  # logs, feedback, answers, seeds, labels
        nullable("interval_start", TIMESTAMP),  # data interval it counts in; null once its file says something else
        nullable("interval_end", TIMESTAMP),
        required("source", TEXT),
        nullable("line", INTEGER),  # 1-based line or row; null if the file as a whole
        nullable("trace_id", TEXT),
        nullable("ts", TIMESTAMP),  # of the line, where it could be read
        required("reason_code", TEXT),
        required("reason", TEXT),
        required("raw", TEXT),
        key=("refusal_id",),
    ),
    table(
        "taxonomies",
        required("taxonomy", TEXT),  # digest of the classes
        required("classes", TEXTS),  # in the order of the probabilities
        required("since", TIMESTAMP),  # start of the data interval whose pull met it first
        key=("taxonomy",),
    ),
    table(
        "profiles",
        required("day", TEXT),
        required("segment", TEXT),  # "desk=eu"; "" is all rows together
        required("column", TEXT),
        required("kind", TEXT),  # numeric, categorical
        required("rows", INTEGER),
        required("nulls", INTEGER),
        nullable("edges", NUMBERS),  # numeric: k + 1 bin edges, outer ones infinite
        required("counts", INTEGERS),  # per bin or category
        nullable("categories", TEXTS),  # categorical: name of each count
        nullable("total", NUMBER),  # numeric: sum, and sum of squares, of the finite values
        nullable("total_squared", NUMBER),
        key=("day", "segment", "column"),
        partition_by=("day",),
    ),
    table(
        "feedback",
        required("feedback_id", TEXT),
        required("trace_id", TEXT),
        required("ts", TIMESTAMP),
        required("kind", TEXT),  # explicit, implicit, automated
        required("signal", TEXT),
        nullable("value", TEXT),  # JSON
        nullable("comment", TEXT),
        nullable("user_key", TEXT),
        nullable("source", TEXT),  # system it came from, as the line says
        nullable("file", TEXT),
        nullable("held_back", TEXT),  # why it is not acted on: burst_person, burst_source
        key=("feedback_id",),
    ),
    table(
        "requests",
        required(
            "request_id", TEXT
        ),  # digest of loop, trace_id, tier and batch: a row whose class was retired may be asked about again
        required("batch_id", TEXT),  # the interval, or the evidence round, that asked
        required("trace_id", TEXT),
        required("tier", INTEGER),
        required("stratum", TEXT),  # certainty, random, disagreement
        required("split", TEXT),  # train, holdout
        required("inclusion_probability", NUMBER),
        nullable("score", NUMBER),  # informativeness, larger is more
        required("reasons", TEXTS),
        nullable("prelabel", TEXT),
        nullable("prelabel_confidence", NUMBER),
        required("hidden_prelabel", FLAG),
        nullable("evidence_for", TEXT),
        required("content_key", TEXT),
        required("asked_at", TIMESTAMP),  # end of the data interval, not the clock
        nullable("external_id", TEXT),  # task in the labeling backend; null until pushed
        nullable("pushed_at", TIMESTAMP),  # clock
        nullable("ts", TIMESTAMP),  # of the prediction; null where an earlier version asked
        nullable("near_key", TEXT),  # as in labels
        nullable("group_key", TEXT),
        key=("request_id",),
    ),
    table(
        "annotations",
        required("annotation_id", TEXT),  # digest of request, annotator, time and label
        required("request_id", TEXT),
        required("trace_id", TEXT),
        required("annotator", TEXT),  # pseudonym
        required("label", TEXT),  # empty where the annotator declined
        nullable("comment", TEXT),
        nullable("lead_time_seconds", NUMBER),
        required("created_at", TIMESTAMP),
        required("source", TEXT),
        nullable("late", FLAG),  # whether its request was resolved before it was collected
        key=("annotation_id",),
    ),
    table(
        "answers_read",
        required("source", TEXT),  # file of answers
        required("fingerprint", TEXT),  # size and modification time
        required("reader", TEXT),  # digest of what decides which lines are answers
        required("end_byte", INTEGER),  # lines that begin before it were read
        required("lines", INTEGER),  # that end before it
        required("content", TEXT),  # digest of the bytes before it
        required("annotations_version", INTEGER),  # of the table annotations once they were stored, from 1
        required("noted_at", TIMESTAMP),  # clock
        key=("source", "fingerprint", "reader", "end_byte", "content", "noted_at"),
    ),
    table(
        "pseudonym_keys",
        required("fingerprint", TEXT),  # keyed hash of a constant
        required("roles_apart", FLAG),  # false: a person has the same pseudonym as user, annotator and approver
        required("noted_at", TIMESTAMP),  # clock
        key=("fingerprint",),
    ),
    table(
        "decisions",
        required("sequence", INTEGER),  # 1, 2, 3 …
        required("kind", TEXT),
        required("subject", TEXT),  # what is decided on: an interval, a challenger, a version
        required("outcome", TEXT),
        required("reasons", TEXTS),
        required("evidence", TEXT),  # canonical JSON
        required("evidence_digest", TEXT),
        required("config_digest", TEXT),
        required("decided_at", TIMESTAMP),  # clock
        required("previous_hash", TEXT),
        required("hash", TEXT),
        key=("kind", "subject", "evidence_digest"),
    ),
    table(
        "deployments",
        required("sequence", INTEGER),
        required("model_version", TEXT),
        nullable("previous_version", TEXT),
        required("action", TEXT),  # deploy, rollback, adopt
        required("why", TEXT),
        required("evidence_digest", TEXT),  # of the decision that allowed it
        nullable("promised_score", NUMBER),
        nullable("promised_low", NUMBER),
        nullable("promised_high", NUMBER),
        nullable("files_digest", TEXT),  # of the model's files; null if a person made it champion
        required("live_from", TIMESTAMP),  # in log time: rows after it were served by it
        required("deployed_at", TIMESTAMP),  # clock
        key=("model_version", "action", "evidence_digest"),
    ),
)
