"""One line of a prediction log: a row of the store, or the reasons why it is none."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.lines.values import (
    Problem,
    moment_of,
    number_of,
    numbers_of,
    parse_object,
    pseudonym,
    read_input,
    short,
    text_of,
)

SUM_TOLERANCE = 1e-3
REQUIRED = ("trace_id", "ts", "model_version", "input", "prediction")
NESTED = ("input", "probabilities", "segments")


@dataclass(frozen=True)
class LineReader:
    """Read log lines of one loop.

    Parameters
    ----------
    loop
        Says which classes, inputs and segments there are.
    pseudonym_key
        Key of the keyed hash that replaces ``user_id``.
    """

    loop: Loop
    pseudonym_key: bytes

    def row(self, record: Mapping[str, Any], latest: datetime, source: str) -> tuple[dict[str, Any], list[Problem]]:
        """Return the row of a record and every problem it has; with problems the row is not to be used.

        Parameters
        ----------
        record
            A log line's object.
        latest
            Latest plausible timestamp: when the file was written, and the allowed clock skew.
        source
            Name of the file.
        """
        problems: list[Problem] = []
        record = _unnested(record, problems)
        problems += [("missing_field", f"{name}: missing") for name in REQUIRED if record.get(name) is None]
        row: dict[str, Any] = {"source": source}
        moment = _timestamp(record.get("ts"), latest, problems)
        if moment is not None:
            row |= {"ts": moment, "day": moment.date().isoformat()}
        for name in ("trace_id", "model_version"):
            row[name] = _text(record, name, problems)
        row["predicted"] = self._class(record.get("prediction"), "prediction", problems)
        row |= self._probabilities(record.get("probabilities"), problems)
        row |= self._inputs(record.get("input"), problems)
        row |= self._segments(record.get("segments"))
        row["embedding"] = _embedding(record.get("embedding"), problems)
        row["user_key"] = pseudonym(record.get("user_id"), self.pseudonym_key)
        return row, problems

    def _class(self, value: Any, where: str, problems: list[Problem]) -> str | None:
        text = text_of(value)
        if value is not None and text not in self.loop.task.classes:
            problems.append(("unknown_class", f"{where}: got {short(value)}, expected one of task.classes"))
        return text

    def _probabilities(self, found: Any, problems: list[Problem]) -> dict[str, Any]:
        if found is None:
            return {"probabilities": None, "confidence": None}
        if not isinstance(found, Mapping):
            problems.append(("bad_probability", f"probabilities: got {short(found)}, expected an object by class"))
            return {}
        classes = self.loop.task.classes
        given = {name: number_of(found[name]) for name in classes if found.get(name) is not None}
        unknown = [name for name, value in found.items() if name not in classes and value is not None]
        bad = {name: found[name] for name, value in given.items() if value is None or not 0 <= value <= 1}
        if bad:
            problems.append(("bad_probability", f"probabilities: got {short(bad)}, expected numbers from 0 to 1"))
            return {}
        if not given and not unknown:
            return {"probabilities": None, "confidence": None}
        values = [given.get(name) or 0.0 for name in classes]
        if abs(sum(values) - 1) > SUM_TOLERANCE:
            for name in unknown:  # they matter where the classes lack what they have
                self._class(name, "probabilities", problems)
            problems.append(("bad_probability", f"probabilities: sum is {sum(values):.4f}, expected 1"))
        return {"probabilities": values, "confidence": max(values)}

    def _inputs(self, found: Any, problems: list[Problem]) -> dict[str, Any]:
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            problems.append(("bad_input", f"input: got {short(found)}, expected an object by input name"))
            return {}
        return {
            f"input_{name}": read_input(name, item, found.get(name), problems)
            for name, item in self.loop.inputs.items()
        }

    def _segments(self, found: Any) -> dict[str, Any]:
        values = found if isinstance(found, Mapping) else {}
        return {f"segment_{name}": text_of(values.get(name)) for name in self.loop.segments}


def _timestamp(value: Any, latest: datetime, problems: list[Problem]) -> datetime | None:
    if value is None:
        return None
    moment = moment_of(value)
    if moment is None:
        problems.append(("bad_timestamp", f"ts: got {short(value)}, expected ISO 8601 such as 2026-11-01T09:30:00Z"))
    elif moment > latest:
        problems.append(
            ("from_the_future", f"ts: got {moment.isoformat()}, but the file was written by {latest.isoformat()}")
        )
    return moment


def _text(record: Mapping[str, Any], name: str, problems: list[Problem]) -> str | None:
    value = record.get(name)
    if value is None or (value != "" and not isinstance(value, Mapping | list)):
        return text_of(value)
    problems.append(("wrong_type", f"{name}: got {short(value)}, expected a string that is not empty"))
    return None


def _embedding(value: Any, problems: list[Problem]) -> list[float] | None:
    """Return an embedding in the single precision of its column, so that a line read again equals its stored row."""
    values = numbers_of(value, "embedding", None, problems)
    single = None if values is None else list(array("f", values))
    if single is not None and not all(map(math.isfinite, single)):
        problems.append(("bad_input", "embedding: got a number beyond single precision"))
    return single


def _unnested(record: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Read objects that are kept as JSON text, as CSV and Parquet columns may; fields of a struct that are null are absent."""
    found = dict(record)
    for name in NESTED:
        value = found.get(name)
        if isinstance(value, str) and value[:1] == "{":
            inner, wrong = parse_object(value.encode())
            if name != "segments":
                problems += [(code, f"{name}: {reason}") for code, reason in wrong]
            found[name] = inner
        elif isinstance(value, Mapping):
            found[name] = {key: item for key, item in value.items() if item is not None}
    return found
