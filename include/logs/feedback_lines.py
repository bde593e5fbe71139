"""What users and sensors say about predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from include.logs.log_lines import Problem, moment_of, pseudonym, short
from include.logs.quarantine import refusal
from include.logs.reading import Line, read_lines
from include.logs.sources import list_files
from include.store.digests import canonical_json
from include.store.interval import Interval
from include.store.tables import LoopStore, rows_of

KINDS = ("explicit", "implicit", "automated")


@dataclass(frozen=True)
class FeedbackReport:
    """Feedback lines stored now, refused, and left out because their author did not consent."""

    rows: int
    refused: int
    without_consent: int


def pull_feedback(store: LoopStore, interval: Interval, pseudonym_key: bytes) -> FeedbackReport:
    """Append the feedback lines that are new; without ``feedback.uri`` there are none.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Files written before it and its look-back are not read again.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.
    """
    loop = store.loop
    if loop.feedback.uri is None:
        return FeedbackReport(0, 0, 0)
    after = interval.start - timedelta(hours=loop.logs.look_back_hours)
    rows, refused, without_consent = [], [], 0
    for file in list_files(loop.feedback.uri, "jsonl", after, store.s3_client_options):
        with file.opened(store.s3_client_options) as path:
            for line in read_lines(path):
                problems = line.problems or _problems(line.record or {})
                if (line.record or {}).get("consent", True) is not True:  # kept nowhere, not even if it is broken
                    without_consent += 1
                elif problems:
                    bad = Line(line.number, line.record, problems, line.raw)
                    refused.append(refusal("feedback", file.name, bad, interval))
                else:
                    rows.append(_row(line.record or {}, pseudonym_key))
    new = store.append_new("feedback", rows_of(loop, "feedback", rows))
    refusals = store.append_new("quarantine", rows_of(loop, "quarantine", refused))
    return FeedbackReport(new.num_rows, refusals.num_rows, without_consent)


def _problems(record: Mapping[str, Any]) -> list[Problem]:
    problems = [
        ("missing_field", f"{name}: got {short(record.get(name))}, expected a string that is not empty")
        for name in ("feedback_id", "trace_id", "signal")
        if not isinstance(record.get(name), str) or not record[name]
    ]
    if moment_of(record.get("ts")) is None:
        problems.append(("bad_timestamp", f"ts: got {short(record.get('ts'))}, expected ISO 8601"))
    if record.get("kind") not in KINDS:
        problems.append(("unknown_kind", f"kind: got {short(record.get('kind'))}, expected one of {', '.join(KINDS)}"))
    return problems


def _row(record: Mapping[str, Any], pseudonym_key: bytes) -> dict[str, Any]:
    comment = record.get("comment")
    return {
        **{name: record[name] for name in ("feedback_id", "trace_id", "kind", "signal")},
        "ts": moment_of(record["ts"]),
        "value": None if record.get("value") is None else canonical_json(record["value"]),
        "comment": None if comment is None else str(comment),
        "user_key": pseudonym(record.get("user_id"), pseudonym_key),
    }
