"""What a row of each table is whose columns are the same in every loop."""

from include.foundation.store.table_schema import (
    FLAG,
    INTEGER,
    INTEGERS,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
    TIMESTAMP,
    nullable,
    required,
    table,
)

COMMON = (
    table(
        "files_read",
        required("kind", TEXT),  # logs, feedback, shadow
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
        required("stage", TEXT),  # logs, feedback, shadow, answers, seeds, labels
        nullable("interval_start", TIMESTAMP),  # data interval it counts in; null once its file says something else
        nullable("interval_end", TIMESTAMP),
        required("source", TEXT),
        nullable("line", INTEGER),  # 1-based line or row; null if the file as a whole
        nullable("trace_id", TEXT),
        nullable("ts", TIMESTAMP),  # of the line, where it could be read
        nullable(
            "model_version", TEXT
        ),  # that the line names, where it could be read; null where an earlier version refused
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
        required(
            "kind", TEXT
        ),  # numeric, categorical; served: rows that a version served, by bin of confidence and class
        required("rows", INTEGER),
        required("nulls", INTEGER),
        nullable("edges", NUMBERS),  # numeric: k + 1 bin edges, outer ones infinite
        required("counts", INTEGERS),  # per bin or category
        nullable(
            "categories", TEXTS
        ),  # categorical: name of each count; served: number of its bin, and the class of all rows together
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
        "shadow_answers",
        required("trace_id", TEXT),  # of the prediction that was served
        required("model_version", TEXT),  # of the challenger; nobody was given what it said
        required("ts", TIMESTAMP),  # of the prediction
        nullable("predicted", TEXT),  # null where it failed
        nullable("error", TEXT),  # why it failed
        nullable("seconds", NUMBER),  # that it took, of a batch the row's part
        nullable("served_seconds", NUMBER),  # that the champion took, in the same way
        nullable("file", TEXT),
        key=("trace_id", "model_version"),
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
        required("reasons", TEXTS),  # in words, the newest first
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
        nullable("escalates", TEXT),  # request_id of the tier before, whose answers left this one to be asked
        nullable("shown_probability", NUMBER),  # with which its pre-label was to be shown; null where chance had no say
        nullable(
            "cause", TEXT
        ),  # reported, weak_signal, retired_class; of a later tier why it is asked; null of other rows
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
        nullable("withdrawn", FLAG),  # true: the annotator took the answer back, and the row says when
        nullable("given_for", TEXT),  # pseudonym of in whose name it was written, where that is not the annotator's own
        nullable("kind", TEXT),  # of feedback, where a user corrected: annotator is that user then; null of annotators
        key=("annotation_id",),
    ),
    table(
        "annotator_records",
        required("annotator", TEXT),  # pseudonym
        required("month", TEXT),  # in which they answered, 2026-11
        required(
            "answers", INTEGER
        ),  # to requests that others answered as well, as far as they were looked at together
        required("accuracy", NUMBER),  # how often these were right, drawn to the team's, with its 95 % interval
        required("low", NUMBER),
        required("high", NUMBER),
        key=("annotator", "month"),
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
        "answers_pulled",
        required("source", TEXT),  # address of a labeling platform's project
        required("reader", TEXT),  # digest of what decides what is an answer
        required("changed_until", TIMESTAMP),  # every task that had changed by then was read, by the platform's clock
        required("annotations_version", INTEGER),  # as in answers_read
        required("noted_at", TIMESTAMP),  # clock
        key=("source", "reader", "changed_until", "noted_at"),
    ),
    table(
        "responses_read",
        required("source", TEXT),  # folder of the responses of workers to a labeling job
        required("fingerprint", TEXT),  # digest of its files
        required("reader", TEXT),  # digest of what decides what is an answer
        required("settled_before", TIMESTAMP),  # files written before it are expected to change no more
        required("content", TEXT),  # digest of those
        required("annotations_version", INTEGER),  # as in answers_read
        required("noted_at", TIMESTAMP),  # clock
        key=("source", "fingerprint", "reader", "settled_before", "content", "noted_at"),
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
        required("action", TEXT),  # deploy, rollback, adopt; canary and stop leave what is live as it is
        required("why", TEXT),
        required("evidence_digest", TEXT),  # of the decision that allowed it
        nullable("promised_score", NUMBER),
        nullable("promised_low", NUMBER),
        nullable("promised_high", NUMBER),
        nullable("files_digest", TEXT),  # of the model's files; null if a person made it champion
        required("live_from", TIMESTAMP),  # in log time: rows after it were served by it
        required("deployed_at", TIMESTAMP),  # clock
        nullable("share", NUMBER),  # of the callers that a canary serves; null of other changes
        key=("model_version", "action", "evidence_digest", "share"),
    ),
)
