"""What the keys about logs and feedback must agree on."""

from collections.abc import Iterable, Iterator

from include.foundation.config.data_agreements import Disagreement, set_by_hand
from include.foundation.config.data_sections import FEEDBACK_FIELDS, FREE_OBJECTS, OBJECTS, PREDICTION_FIELDS, Source
from include.foundation.config.loop_file import Loop
from include.foundation.errors import ConfigError, did_you_mean
from include.foundation.intervals import next_ticks
from include.foundation.taxonomy import Taxonomy


def source_disagreements(loop: Loop) -> Iterator[Disagreement]:
    """Yield the keys that each disagreement rests on, the one to show first, and a sentence."""
    nested = [f"{group}.{name}" for group, names in _nested_names(loop) for name in names]
    logs = [*PREDICTION_FIELDS, *OBJECTS, *nested]
    for key, source, fields in (("logs", loop.logs, logs), ("feedback", loop.feedback, list(FEEDBACK_FIELDS))):
        yield from _columns(key, source, fields)
        if source.format == "sql":
            yield from _query(key, source)
        else:
            yield from _folder(key, source)
    if not loop.logs.uri and loop.logs.format != "sql":
        yield ("logs.uri", "logs.format"), "missing: a folder of log files, or s3://bucket/prefix"
    given = set_by_hand(loop.feedback, *type(loop.feedback).model_fields)
    if given and not loop.feedback.given:
        yield ("feedback.uri", "feedback.query"), f"missing, so {', '.join(given)} would have no effect"
    yield from _shared_places(loop)
    yield from _schedule(loop)


def _shared_places(loop: Loop) -> Iterator[Disagreement]:
    """Yield where an object that is kept whole is said to be where other fields are."""
    columns = loop.logs.columns
    for name in (*FREE_OBJECTS, "error", "impact"):
        place = columns.get(name)
        others = {field: where for field, where in columns.items() if field != name}
        others |= {whole: whole for whole in OBJECTS if whole not in columns}
        for field, where in others.items() if place else ():
            if f"{where}.".startswith(f"{place}.") or f"{place}.".startswith(f"{where}."):
                text = f"got {place!r}, where {field} is read from; a field of its own is kept as {name}"
                yield (f"logs.columns.{name}", f"logs.columns.{field}"), text


def _nested_names(loop: Loop) -> Iterator[tuple[str, Iterable[str]]]:
    yield from (("input", loop.inputs), ("segments", loop.segments), ("probabilities", Taxonomy.of(loop.task).meanings))


def _columns(key: str, source: Source, fields: list[str]) -> Iterator[Disagreement]:
    for name, place in source.columns.items():
        rests_on = (f"{key}.columns.{name}", "inputs", "segments", "task")
        if name not in fields:
            near = did_you_mean(name, fields)
            yield rests_on, f"no such field{near}; there are {', '.join(fields[:20])}{' …' * (len(fields) > 20)}"
        if not all(place.split(".")):
            yield rests_on, f"got {place!r}, expected the source's name of the field, with dots where it is nested"


def _query(key: str, source: Source) -> Iterator[Disagreement]:
    if missing := [name for name in ("connection", "query") if getattr(source, name) is None]:
        yield (f"{key}.format", *(f"{key}.{name}" for name in missing)), f"sql needs {' and '.join(missing)}"
    elif unbound := [name for name in (":start", ":end") if name not in str(source.query)]:
        text = f"the parameters {' and '.join(unbound)} are missing; they bound what one run reads"
        yield (f"{key}.query", f"{key}.format"), text
    if source.uri is not None:
        yield (f"{key}.uri", f"{key}.format"), "goes with files; format sql reads what query says"


def _folder(key: str, source: Source) -> Iterator[Disagreement]:
    if source.query is not None:
        yield (f"{key}.query", f"{key}.format"), f"query goes with format sql; got format {source.format}"
    if source.connection is not None and source.uri is not None and not source.uri.startswith("s3://"):
        yield (f"{key}.connection", f"{key}.uri"), f"goes with s3:// or format sql; {source.uri} needs none"


def _schedule(loop: Loop) -> Iterator[Disagreement]:
    try:
        first, second = next_ticks(loop.logs.schedule, 2)
    except ConfigError as error:
        yield ("logs.schedule",), error.message
        return
    hours = (second - first).total_seconds() / 3600
    if hours < 1 / 60:
        yield ("logs.schedule",), f"got {loop.logs.schedule!r}, expected at most a run a minute"
    if hours > loop.deploy.watch_days * 24:
        text = (
            f"{loop.deploy.watch_days} days end before the next run of {loop.logs.schedule}, {hours / 24:g} days later"
        )
        yield ("deploy.watch_days", "logs.schedule"), text
