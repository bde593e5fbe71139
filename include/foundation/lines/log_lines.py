"""The rules of a prediction row in Python: a line is a row, or refused with every reason."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from operator import add
from typing import Any

from include.foundation.config.data_sections import FREE_OBJECTS, OBJECTS
from include.foundation.config.loop_file import Loop
from include.foundation.errors import short
from include.foundation.lines.fields import numbers_of, read_class, read_id, read_input, read_moment
from include.foundation.lines.free_fields import read_error, read_impact, read_object, read_source_id
from include.foundation.lines.people import person_of
from include.foundation.lines.refusals import FAILED
from include.foundation.lines.values import Problem, number_of, parse_object, text_of
from include.foundation.taxonomy import Taxonomy

SUM_TOLERANCE = 0.02  # probabilities that were rounded
ROUNDING = 1e-3  # those whose sum is farther from 1 are divided by it
REQUIRED = ("trace_id", "ts", "model_version", "input", "prediction")


@dataclass(frozen=True)
class LineReader:
    """Read log lines of one loop with care: slower than the rules in SQL, and able to say what is wrong.

    Parameters
    ----------
    loop
        Says which classes, inputs and segments there are.
    """

    loop: Loop

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The loop's classes, and the names that they had."""
        return Taxonomy.of(self.loop.task)

    def row(self, record: Mapping[str, Any], latest: datetime) -> tuple[dict[str, Any], list[Problem]]:
        """Return the staged row of a record and every problem it has; with problems the row is not to be used.

        Parameters
        ----------
        record
            A log line's object, under the loop's names.
        latest
            Latest plausible timestamp: when the file was written, and the allowed clock skew.

        Returns
        -------
        dict
            Columns of ``predictions`` but those that follow from others, and ``user_id``.
        list of Problem
            Empty if the row can be staged.
        """
        problems: list[Problem] = []
        record = _without_json_texts(record, problems)
        row = {
            "trace_id": read_id(record, "trace_id", problems),
            "ts": read_moment(record, "ts", latest, problems),
            "model_version": read_id(record, "model_version", problems),
            "predicted": None,
            **self._probabilities(record.get("probabilities"), problems),
            **self._inputs(record.get("input"), problems),
            **self._segments(record.get("segments")),
            "embedding": _embedding(record.get("embedding"), problems),
            "user_id": person_of(record.get("user_id")),
            **_circumstances(record, problems),
        }
        row["predicted"] = self._predicted(record.get("prediction"), row["error"], problems)
        return row, problems

    def _predicted(self, prediction: Any, error: str | None, problems: list[Problem]) -> str | None:
        """Return the class; without one but with an error the line is a failure, unless something else is wrong with it."""
        if error is not None and prediction in (None, ""):
            problems.append(Problem(FAILED, f"prediction: none, since the model failed: {short(error)}"))
            return None
        return read_class("prediction", prediction, self.taxonomy.meanings, problems)

    def _probabilities(self, by_class: Any, problems: list[Problem]) -> dict[str, Any]:
        absent = {"probabilities": None, "confidence": None, "taxonomy": None}
        if by_class is None:
            return absent
        if not isinstance(by_class, Mapping):
            problems.append(
                Problem("bad_probability", f"probabilities: got {short(by_class)}, expected an object by class")
            )
            return {}
        given = {name: number_of(by_class[name]) for name in self._names_used(by_class)}
        unknown = [name for name, value in by_class.items() if name not in self.taxonomy.meanings and value is not None]
        bad = {name: by_class[name] for name, value in given.items() if value is None or not 0 <= value <= 1}
        if bad:
            problems.append(
                Problem("bad_probability", f"probabilities: got {short(bad)}, expected numbers from 0 to 1")
            )
            return {}
        if not given and not unknown:
            return absent
        total = reduce(add, (value or 0.0 for value in given.values()), 0.0)  # one after the other, as the scan adds
        if abs(total - 1) > SUM_TOLERANCE:
            for name in unknown:  # what is missing from the sum may be theirs
                read_class("probabilities", name, self.taxonomy.meanings, problems)
            problems.append(Problem("bad_probability", f"probabilities: sum is {total:.4f}, expected 1"))
        scale = total if abs(total - 1) > ROUNDING and total else 1.0
        return self._by_class_of_today({name: value or 0.0 for name, value in given.items()}, scale)

    def _names_used(self, by_class: Mapping[str, Any]) -> list[str]:
        """Return the names whose probabilities count: former ones that are numbers, and only where today's do not sum to 1."""
        today = [name for name in self.taxonomy.classes if by_class.get(name) is not None]
        former = [
            name
            for name in self.taxonomy.former
            if number_of(by_class.get(name)) is not None and str(by_class[name]).isascii()  # as DuckDB reads numbers
        ]
        total = sum(number_of(by_class[name]) or 0.0 for name in today)
        return today if abs(total - 1) <= SUM_TOLERANCE else [*today, *former]

    def _by_class_of_today(self, given: Mapping[str, float], scale: float) -> dict[str, Any]:
        """Return the columns of probabilities, divided by the scale; a renamed class has those of all its names."""
        values = dict.fromkeys(self.taxonomy.classes, 0.0)
        largest = 0.0
        for name, value in given.items():
            meaning = self.taxonomy.current(name)
            if meaning is None:
                largest = max(largest, value)
            else:
                values[meaning] += value
        largest = max(largest, *values.values())
        shares = [value / scale for value in values.values()]
        return {"probabilities": shares, "confidence": largest / scale, "taxonomy": self.taxonomy.digest}

    def _inputs(self, by_name: Any, problems: list[Problem]) -> dict[str, Any]:
        if by_name is None:
            problems.append(Problem("missing_field", "input: missing"))
            return {}
        if not isinstance(by_name, Mapping):
            problems.append(Problem("bad_input", f"input: got {short(by_name)}, expected an object by input name"))
            return {}
        return {
            f"input_{name}": read_input(name, item, by_name.get(name), problems)
            for name, item in self.loop.inputs.items()
        }

    def _segments(self, by_name: Any) -> dict[str, Any]:
        values = by_name if isinstance(by_name, Mapping) else {}
        return {f"segment_{name}": text_of(values.get(name)) for name in self.loop.segments}


def _circumstances(record: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    return {
        **{name: read_object(name, record.get(name), problems) for name in FREE_OBJECTS},
        "error": read_error(record.get("error"), problems),
        "impact": read_impact(record.get("impact"), problems),
        "source_id": read_source_id(record.get("source_id"), problems),
    }


def _embedding(value: Any, problems: list[Problem]) -> list[float] | None:
    """Return an embedding in the single precision of its column, so that a line that is read again equals its stored row."""
    values = numbers_of(value, "embedding", None, problems)
    single = None if values is None else list(array("f", values))
    if single is not None and not all(map(math.isfinite, single)):
        problems.append(Problem("bad_input", "embedding: got a number beyond single precision"))
    return single


def _without_json_texts(record: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Read objects that are kept as JSON text, as in CSV and Parquet columns; fields of a struct that are null are absent."""
    read = dict(record)
    for name in OBJECTS:
        value = read.get(name)
        if isinstance(value, str) and value[:1] == "{":
            read[name], wrong = parse_object(value.encode())
            if name != "segments":
                problems += [Problem(problem.code, f"{name}: {problem.reason}") for problem in wrong]
        elif isinstance(value, Mapping):
            read[name] = {key: item for key, item in value.items() if item is not None}
    return read
