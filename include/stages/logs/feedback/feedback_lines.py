"""Feedback: what users and sensors say about predictions, line by line into the table ``feedback``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from include.foundation.config.data_sections import FEEDBACK_FIELDS
from include.foundation.intervals import Interval
from include.foundation.lines.line_files import Line
from include.foundation.lines.people import People
from include.foundation.lines.signal_lines import may_be_kept, read_signal
from include.foundation.lines.sources import Access
from include.foundation.lines.values import Problem
from include.foundation.store.tables import LoopStore
from include.stages.logs.feedback.feedback_joins import hold_back_bursts, orphaned
from include.stages.logs.pull import Pull
from include.stages.logs.quarantine import RefusedLine, refuse_lines
from include.stages.logs.rules.field_paths import located, renamed
from include.stages.logs.slices.file_slices import Slice
from include.stages.logs.slices.line_slices import append_rows, pull_lines
from include.stages.logs.slices.read_ledger import Counts

NO_CONSENT = "(not kept: the line cannot be read and may be without consent)"


@dataclass(frozen=True)
class FeedbackReport:
    """Counts of what an interval's runs read: the same however often it is pulled.

    Attributes
    ----------
    rows
        Signals in the store.
    refused
        Lines in quarantine.
    without_consent
        Lines whose author did not consent; they are kept nowhere.
    duplicates
        Lines of signals that were there already.
    held_back
        Signals that are part of a burst.
    orphans
        Signals about predictions that have not come yet.
    warnings
        What a person should know of what is not read.
    """

    rows: int
    refused: int
    without_consent: int
    duplicates: int = 0
    held_back: int = 0
    orphans: int = 0
    warnings: tuple[str, ...] = ()


def pull_feedback(
    store: LoopStore, interval: Interval, pseudonym_key: bytes, access: Access | None = None
) -> FeedbackReport:
    """Append the feedback lines that were not read yet; without a source there are none.

    Lines are joined to their prediction by trace id when they are used, so one that comes before its prediction is kept.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Files written before it and its look-back are not read.
    pseudonym_key
        Key that turns ``user_id`` into a pseudonym.
    access
        What opens the source; by default the store's own credentials.

    Raises
    ------
    ConfigError
        If the folder does not exist, or a query is refused.
    StoreError
        If a file cannot be read or a table not be committed.
    """
    if not store.loop.feedback.given:
        return FeedbackReport(0, 0, 0)
    pull = Pull("feedback", store, interval, pseudonym_key, access or Access(store.s3_client_options))
    counts, unread = pull_lines(pull, _store)
    return FeedbackReport(
        rows=counts.rows,
        refused=counts.refused,
        without_consent=counts.lines - counts.rows - counts.refused - counts.duplicates,
        duplicates=counts.duplicates,
        held_back=hold_back_bursts(store, interval),
        orphans=orphaned(store, interval),
        warnings=unread,
    )


def _store(pull: Pull, file_slice: Slice, lines: Sequence[Line]) -> Counts:
    """Store a chunk of lines, and count what became of each; one without consent is kept nowhere, even if it is broken."""
    rows, refused = [], []
    latest = file_slice.file.latest(pull.loop.logs.clock_skew_seconds)
    for line in lines:
        record = renamed(pull.section.columns, [(name,) for name in FEEDBACK_FIELDS], line.record or {})
        if line.record is not None and not may_be_kept(pull.loop.feedback, record.get("consent")):
            continue
        row, problems = _row(record, latest, pull.people)
        if problems := line.problems or problems:
            refused.append(RefusedLine(file_slice, _without_consent(pull, line.refused_for(problems))))
        else:
            rows.append(row | {"file": file_slice.file.name})
    refuse_lines(pull, refused)
    new = set(append_rows(pull, rows).column("feedback_id").to_pylist())
    known = {row["feedback_id"] for row in rows} - new
    read_again = known - _of_other_files(pull.store, known, file_slice.file.name)  # of this file, before a kill
    stored = len(new) + len(read_again)
    return Counts(lines=len(lines), rows=stored, duplicates=len(rows) - stored, refused=len(refused))


def _of_other_files(store: LoopStore, ids: set[str], file: str) -> set[str]:
    """Return which signals a line of another file brought."""
    if not ids:
        return set()
    signals = store.read(
        "feedback", columns=["feedback_id"], filters=[("file", "!=", file), ("feedback_id", "in", list(ids))]
    )
    return set(signals.column("feedback_id").to_pylist())


def _without_consent(pull: Pull, line: Line) -> Line:
    """Return a line that cannot be read without its text, unless that says, or leaves open, that it may be kept."""
    if line.record is not None or line.number is None:
        return line
    names = {"consent", located(pull.section.columns, ("consent",))[-1]}
    said = re.search(rf"""["'](?:{"|".join(map(re.escape, names))})\\*["']\s*:\s*\\*["']?([\w.]*)""", line.raw)
    if names & set(line.columns) or not may_be_kept(pull.loop.feedback, said and said[1]):
        return replace(line, raw=NO_CONSENT)
    return line


def _row(record: Mapping[str, Any], latest: datetime, people: People) -> tuple[dict[str, Any], list[Problem]]:
    """Return the row of a record, and why it is refused if it is."""
    problems: list[Problem] = []
    row = read_signal(record, latest, problems)
    comment = None if row["comment"] is None else people.without_addresses(row["comment"])
    return row | {"comment": comment, "user_key": people.pseudonym_of(record.get("user_id"))}, problems
