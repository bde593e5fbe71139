"""Look at a few records of a source before anything is pulled: whether the loop's fields are there, and could be stored."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from include.foundation.config.data_sections import FEEDBACK_FIELDS, Source
from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.intervals import Interval
from include.foundation.lines.log_lines import LineReader
from include.foundation.lines.records import records
from include.foundation.lines.sources import Access, LogFile, files_and_others
from include.foundation.store.objects.opening import objects_at
from include.foundation.uris import is_remote
from include.stages.logs.rules.field_paths import Path, prediction_paths, renamed
from include.stages.logs.slices.queries import rows_between

SAMPLED = 50
SHOWN = 15
LARGEST_COPY = 64 << 20  # of an object, which is downloaded
FEEDBACK_NEEDS = ("feedback_id", "trace_id", "ts", "kind", "signal")


class Finding(NamedTuple):
    """What is to be said of a source, and whether it stops the loop."""

    is_problem: bool
    sentence: str


def look_at(loop: Loop, section: str, access: Access) -> Iterator[Finding]:
    """Yield what stands out in the newest file of a source, or in the newest hour of a query.

    Parameters
    ----------
    loop
        Says what the fields are.
    section
        ``logs`` or ``feedback``.
    access
        What opens the source.

    Raises
    ------
    ConfigError
        If the database refuses the query.
    StoreError
        If the source cannot be read.
    """
    source: Source = getattr(loop, section)
    if source.format == "sql":
        now = datetime.now(UTC)
        hour = Interval(now - timedelta(hours=1), now)
        sample = list(islice(rows_between(str(source.query), hour, access), SAMPLED))
        yield from _judged(loop, section, sample, f"the query's newest hour ({hour.key})")
        return
    if not is_remote(place := resolve(str(source.uri))) and objects_at(place, {}).objects_in(place) is None:
        yield Finding(False, f"{section}.uri: there is no folder {place} yet; pulling fails until there is")
        return
    files = files_and_others(str(source.uri), source.format, access.s3_options)[0]
    small = [file for file in files if 0 < file.size <= (LARGEST_COPY if is_remote(place) else file.size)]
    if not small:
        yield Finding(False, _no_file(section, source, access))
        return
    newest = max(small, key=lambda file: (file.written_at, file.name))
    yield from _of_file(loop, section, newest, access)


def _no_file(section: str, source: Source, access: Access) -> str:
    """Say that there is nothing to read, and what there is instead."""
    place = resolve(str(source.uri))
    others = [item.name for item in objects_at(place, access.s3_options).objects_in(place) or []]
    there = f"; it holds {len(others)} other files, such as {others[0]}" if others else ""
    return f"{section}.uri: no file of format {source.format} is in {place} yet{there}"


def _of_file(loop: Loop, section: str, file: LogFile, access: Access) -> Iterator[Finding]:
    with file.opened(access.s3_options) as path:
        lines = list(islice(records(path), SAMPLED))
    unreadable = [problem.reason for line in lines for problem in line.problems]
    if lines and len(unreadable) >= len(lines):
        yield Finding(True, f"{section}.format: no line of {file.name} can be read as {path.suffix}: {unreadable[0]}")
        return
    sample = [line.record for line in lines if line.record is not None and not line.problems]
    yield from _judged(loop, section, sample, file.name)


def _judged(loop: Loop, section: str, sample: Sequence[Mapping[str, Any]], where: str) -> Iterator[Finding]:
    """Yield what is said of a sample of records."""
    if not sample:
        yield Finding(False, f"{section}: {where} is empty, so that its fields could not be compared")
        return
    source: Source = getattr(loop, section)
    paths = prediction_paths(loop) if section == "logs" else [(name,) for name in FEEDBACK_FIELDS]
    ours = [renamed(source.columns, paths, record) for record in sample]
    needed = list(_needed(loop)) if section == "logs" else [(name,) for name in FEEDBACK_NEEDS]
    absent = [path for path in paths if not any(_has(record, path) for record in ours)]
    missing = [".".join(path) for path in needed if path in absent]
    if missing:
        there = ", ".join(islice(_names(sample[0]), SHOWN))
        advice = f"name the source's fields in {section}.columns"
        yield Finding(True, f"{section}: no record of {where} has {', '.join(missing)}; there are {there}; {advice}")
    if section == "logs":
        yield from _optional(loop, absent, where)
        if not missing:
            yield from _refused(loop, ours, where)


def _needed(loop: Loop) -> Iterator[Path]:
    yield from (("trace_id",), ("ts",), ("model_version",), ("prediction",))
    yield from (("input", name) for name, item in loop.inputs.items() if item.required)


def _optional(loop: Loop, absent: Iterable[Path], where: str) -> Iterator[Finding]:
    """Yield what the loop can do without, and what it cannot do then."""
    absent = set(absent)
    for name, item in loop.inputs.items():
        if not item.required and ("input", name) in absent:
            yield Finding(False, f"logs: no record of {where} has input.{name}")
    for name in loop.segments:
        if ("segments", name) in absent:
            yield Finding(False, f"logs: no record of {where} has segments.{name}, so that nothing is judged by it")
    if all(("probabilities", name) in absent for name in loop.task.classes):
        yield Finding(False, f"logs: no record of {where} has probabilities, so that uncertain rows cannot be told")


def _refused(loop: Loop, sample: Sequence[Mapping[str, Any]], where: str) -> Iterator[Finding]:
    """Yield how many records would be refused, and the most frequent reason."""
    latest = datetime.now(UTC) + timedelta(seconds=loop.logs.clock_skew_seconds)
    read = [LineReader(loop).row(record, latest)[1] for record in sample]
    reasons = Counter(problem.reason for problems in read for problem in problems)
    refused = sum(map(bool, read))
    if refused:
        reason = reasons.most_common(1)[0][0]
        sentence = f"logs: {refused} of {len(read)} records of {where} would be refused, such as: {reason}"
        yield Finding(refused / len(read) > loop.logs.max_refused_share, sentence)


def _has(record: Mapping[str, Any], path: Path) -> bool:
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is not None


def _names(record: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from _names(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"
