"""What challengers said of live requests, line by line into the table ``shadow_answers``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from include.foundation.config.loading import resolve
from include.foundation.intervals import Interval
from include.foundation.lines.fields import read_id, read_moment, read_seconds
from include.foundation.lines.line_files import Line
from include.foundation.lines.sources import Access
from include.foundation.lines.values import Problem, text_of
from include.foundation.store.tables import LoopStore
from include.foundation.uris import is_remote
from include.stages.logs.pull import Pull
from include.stages.logs.quarantine import RefusedLine, refuse_lines
from include.stages.logs.slices.file_slices import Slice
from include.stages.logs.slices.line_slices import append_rows, pull_lines
from include.stages.logs.slices.read_ledger import Counts

LONGEST = 24 * 3600.0  # seconds


@dataclass(frozen=True)
class ShadowReport:
    """Counts of what an interval's runs read: the same however often it is pulled.

    Attributes
    ----------
    rows
        Lines with what a challenger said of a live request; of those of one request and version, the first is stored.
    refused
        Lines in quarantine.
    warnings
        What a person should know of what is not read.
    """

    rows: int
    refused: int
    warnings: tuple[str, ...] = ()


def pull_shadow(
    store: LoopStore, interval: Interval, pseudonym_key: bytes, access: Access | None = None
) -> ShadowReport:
    """Append what challengers said of live requests, as far as it was not read yet.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Files written before it and its look-back are not read.
    pseudonym_key
        As in `include.stages.logs.pull.Pull`; the lines name no people.
    access
        What opens the folder; by default the store's own credentials.

    Raises
    ------
    StoreError
        If a file cannot be read or a table not be committed.
    """
    if (gone := _not_there(str(store.loop.deploy.shadow.uri))) is not None:
        return ShadowReport(0, 0, (gone,))
    pull = Pull("shadow", store, interval, pseudonym_key, access or Access(store.s3_client_options))
    counts, unread = pull_lines(pull, _store)
    return ShadowReport(counts.rows, counts.refused, unread)


def _not_there(uri: str) -> str | None:
    """Return that a folder is not there yet: whoever serves makes it, and the loop goes on without."""
    if is_remote(uri) or Path(resolve(uri)).is_dir():
        return None
    return f"{uri} is not there yet; whoever serves the model writes to it what challengers say (deploy.shadow.uri)"


def _store(pull: Pull, file_slice: Slice, lines: Sequence[Line]) -> Counts:
    """Store a chunk of lines, and count what became of each."""
    rows, refused = [], []
    latest = file_slice.file.latest(pull.loop.logs.clock_skew_seconds)
    for line in lines:
        row, problems = _row(line.record or {}, latest)
        if problems := line.problems or problems:
            refused.append(RefusedLine(file_slice, line.refused_for(problems)))
        else:
            rows.append(row | {"file": file_slice.file.name})
    refuse_lines(pull, refused)
    append_rows(pull, rows)
    return Counts(lines=len(lines), rows=len(rows), refused=len(refused))


def _row(record: Mapping[str, Any], latest: datetime) -> tuple[dict[str, Any], list[Problem]]:
    """Return the row of a record, and why it is refused if it is: it has what the challenger said, or why it said nothing."""
    problems: list[Problem] = []
    error = text_of(record.get("error"))
    return {
        "trace_id": read_id(record, "trace_id", problems),
        "model_version": read_id(record, "model_version", problems),
        "ts": read_moment(record, "ts", latest, problems),
        "predicted": None if error else read_id(record, "prediction", problems),
        "error": error,
        "seconds": read_seconds("seconds", record.get("seconds"), LONGEST, problems),
        "served_seconds": read_seconds("served_seconds", record.get("served_seconds"), LONGEST, problems),
    }, problems
