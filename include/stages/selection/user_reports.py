"""Rows that users reported, in the order in which they are acted on: people take turns, so that nobody fills a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.data_sections import Feedback
from include.foundation.intervals import Interval, moved
from include.foundation.store.bulk.file_rows import rows_with
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.foundation.taxonomy import Taxonomy
from include.stages.logs.feedback.said_class import said_class
from include.stages.selection.asked import Asked, asked_before
from include.stages.selection.frame import Candidates, frame_of
from include.stages.selection.requests import REPORTED
from include.stages.selection.window import NOT_READ

ACTED_ON = timedelta(days=28)  # for so long: what it costs to look must not grow with what was ever said
SIGNALS = ("report", "correction")
LONGEST_COMMENT = 120


@dataclass(frozen=True)
class UserReport:
    """What users said of a row.

    Attributes
    ----------
    reason
        The newest of it, in words that annotators may read.
    people
        Pseudonyms of those who said it; None is who is not known.
    logged
        When the row was served.
    is_weak
        Whether it says only that the model is wrong more often in such rows.
    """

    reason: str
    people: frozenset[str | None]
    logged: datetime
    is_weak: bool = False


def reported_rows(
    store: LoopStore,
    end: datetime,
    seed: object,
    asked: Asked | None = None,
    weak: Sequence[Mapping[str, Any]] = (),
) -> tuple[Candidates, dict[str, UserReport]]:
    """Return the rows that users reported or corrected within the last four weeks and that were not requested yet.

    The rows may be four weeks older than the reports. Only explicit feedback counts, and none that is held back as part of a
    burst. Of several signals about a row the newest gives the reason.

    Parameters
    ----------
    store
        Tables of the loop.
    end
        Rows logged at this moment or later do not count.
    seed
        Seed of the order of the frame.
    asked
        What was asked before; read from the store if None.
    weak
        Further signals, see `weak_signals`, whose rows are returned too.

    Returns
    -------
    tuple of Candidates and dict
        The rows, and the report of each by its content key, since a report speaks for the repeats of its row too.
    """
    since = moved(end, -ACTED_ON)
    wanted: Filter = [("signal", "in", list(SIGNALS)), ("kind", "=", "explicit"), ("ts", ">=", since)]
    feedback = store.read("feedback", filters=wanted).sort_by("ts").to_pylist()
    signals = [row for row in feedback if row["held_back"] is None]
    taxonomy, people = Taxonomy.of(store.loop.task), dict[str, set[str | None]]()
    reasons = {row["trace_id"]: row["reason"] for row in weak}
    explicit = {row["trace_id"]: _reason(row, taxonomy) for row in signals}
    reasons |= explicit
    for row in [*weak, *signals]:
        people.setdefault(row["trace_id"], set()).add(row["user_key"])
    asked = asked_before(store) if asked is None else asked
    reported = sorted(reasons.keys() - asked.trace_ids)
    frame = frame_of(store, _served(store, reported, Interval(moved(since, -ACTED_ON), end)), seed, asked)
    logged = frame.rows.select(["trace_id", "ts"]).to_pylist()
    return frame, {
        key: UserReport(reasons[name := row["trace_id"]], frozenset(people[name]), row["ts"], name not in explicit)
        for key, row in zip(frame.content_keys, logged, strict=True)
    }


def _served(store: LoopStore, trace_ids: Sequence[str], span: Interval) -> pa.Table:
    """Return the rows with some trace ids that were served within a span, with the columns that are chosen by."""
    columns = pa.schema([field for field in store.schema("predictions") if field.name not in NOT_READ])
    if not trace_ids:
        return columns.empty_table()
    days = [day for day in store.days("predictions") if span.days[0] <= day <= span.days[-1]]
    rows = rows_with(store.dataset("predictions", [("day", "in", days)]), days, "trace_id", trace_ids, columns)
    moments = rows.column("ts")
    return rows.filter(pc.and_(pc.greater_equal(moments, span.start), pc.less(moments, span.end))).sort_by("trace_id")


def in_turns(policy: Feedback, reports: Mapping[int, UserReport], n: int) -> list[int]:
    """Return the positions of the reported rows that a batch takes: people take turns, each with their oldest row first.

    What has a weak signal only comes after all others.

    Parameters
    ----------
    policy
        ``max_request_share`` of the rows, at least one, and at most ``max_person_requests`` of each person. Those who are not
        known take turns as one person, and only the share bounds them.
    reports
        By position.
    n
        How many rows are chosen altogether.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> said = [("ann", 1), ("ann", 2), ("ann", 3), ("bob", 4)]
    >>> reports = {day: UserReport("", frozenset([who]), datetime(2026, 11, day, tzinfo=UTC)) for who, day in said}
    >>> in_turns(Feedback(max_person_requests=2, max_request_share=1.0), reports, 10)
    [1, 4, 2]
    """
    share = policy.max_request_share
    most = 0 if share == 0 else min(n, max(1, int(n * share)))
    taken: list[int] = []
    for is_weak in (False, True):
        rows = {position: report for position, report in reports.items() if report.is_weak == is_weak}
        taken += _turns(rows, most - len(taken), policy.max_person_requests)
    return taken


def _turns(reports: Mapping[int, UserReport], most: int, most_of_one: int) -> list[int]:
    """Return at most so many positions, and at most so many of each person who is known, in turns."""
    queues: dict[str | None, list[int]] = {}
    for position in sorted(reports, key=lambda position: (reports[position].logged, position)):
        for person in sorted(reports[position].people, key=str):
            queues.setdefault(person, []).append(position)
    taken: dict[int, None] = {}
    turns = dict.fromkeys(queues, 0)
    while len(taken) < most and queues:
        for person in list(queues):
            row = next((position for position in queues[person] if position not in taken), None)
            if row is None or (person is not None and turns[person] == most_of_one):
                del queues[person]
            elif len(taken) < most:
                taken[row] = None
                turns[person] += 1
    return list(taken)


def _reason(row: dict[str, str | None], taxonomy: Taxonomy) -> str:
    said = said_class(taxonomy, row["value"])
    should_be = "" if said is None else f"should be {taxonomy.shown(said)}"
    told = ", ".join(filter(None, [should_be, row["comment"]])) or row["value"] or "no comment"
    return f"{REPORTED}: {told[:LONGEST_COMMENT]}"
