"""One line of a prediction log: a row of the store, or the reasons why it is none."""

import hmac
import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.config.loop_file import Loop
from include.config.sections import Input

LONGEST_LINE = 16 << 20  # what the scan takes, too
SUM_TOLERANCE = 1e-3
REQUIRED = ("trace_id", "ts", "model_version", "input", "prediction")
NESTED = ("input", "probabilities", "segments")
Problem = tuple[str, str]


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
        given = {name: _number(found[name]) for name in classes if found.get(name) is not None}
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


def parse_object(raw: bytes) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the JSON object in a line of bytes, or why there is none: too long, not UTF-8, not JSON, no object.

    Examples
    --------
    >>> parse_object(b'{"trace_id": ')[1][0][0]
    'not_json'
    """
    if len(raw) > LONGEST_LINE:
        return None, [("line_too_long", f"got {len(raw)} bytes, expected at most {LONGEST_LINE}")]
    try:
        record = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique_keys)
    except UnicodeDecodeError as error:
        return None, [("not_utf8", f"byte {error.start} is not UTF-8")]
    except (ValueError, RecursionError) as error:
        return None, [("not_json", f"not JSON: {error}")]
    if not isinstance(record, dict):
        return None, [("not_object", f"got {short(record)}, expected a JSON object")]
    if b"\\u" in raw and not _is_text(record):
        return None, [("not_utf8", "an escape is half of a surrogate pair, expected whole characters")]
    return record, []


def read_input(name: str, item: Input, value: Any, problems: list[Problem]) -> Any:
    """Return one input as its column takes it, noting what is wrong with it; NaN and infinities are refused."""
    where = f"input.{name}"
    if value is None:
        if item.required:
            problems.append(("bad_input", f"{where}: missing"))
        return None
    if item.type == "vector":
        return _bounded(_numbers(value, where, item.size, problems), where, item, problems)
    if item.type == "numeric":
        number = _number(value)
        if number is None:
            problems.append(("bad_input", f"{where}: got {short(value)}, expected a finite number"))
        _bounded(None if number is None else [number], where, item, problems)
        return number
    if item.type == "categorical" and isinstance(value, int | float):
        return text_of(value)
    if not isinstance(value, str):
        problems.append(("bad_input", f"{where}: got {short(value)}, expected a string"))
        return None
    return value


def pseudonym(person: Any, key: bytes) -> str | None:
    """Return a keyed hash that stands for a person (32 hex digits), or None for nobody."""
    return None if person is None else hmac.digest(key, str(text_of(person)).encode(), "sha256").hex()[:32]


def text_of(value: Any) -> str | None:
    """Return the text of a value as the scan reads it: a string itself, anything else its JSON.

    Examples
    --------
    >>> text_of("eu"), text_of(7), text_of(True), text_of({"a": 1})
    ('eu', '7', 'true', '{"a":1}')
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def short(value: object) -> str:
    """Return a value's text cut to what fits in a reason."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def moment_of(value: Any) -> datetime | None:
    """Return an ISO 8601 text or a datetime as an aware one in UTC; None if it is neither."""
    try:
        if hasattr(value, "to_pydatetime"):  # Parquet's nanoseconds; the store keeps microseconds
            value = value.to_pydatetime(warn=False)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


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


def _numbers(value: Any, where: str, size: int | None, problems: list[Problem]) -> list[float] | None:
    if value is None:
        return None
    if isinstance(value, str):  # a CSV cell
        value = _parsed(value)
    found = [_number(item) for item in value] if isinstance(value, list) else [None]
    if None in found:
        problems.append(("bad_input", f"{where}: got {short(value)}, expected a list of finite numbers"))
        return None
    if size is not None and len(found) != size:
        problems.append(("bad_input", f"{where}: got {len(found)} numbers, expected {size}"))
        return None
    return [item for item in found if item is not None]


def _embedding(value: Any, problems: list[Problem]) -> list[float] | None:
    """Return an embedding in the single precision of its column, so that a line read again equals its stored row."""
    values = _numbers(value, "embedding", None, problems)
    single = None if values is None else list(array("f", values))
    if single is not None and not all(map(math.isfinite, single)):
        problems.append(("bad_input", "embedding: got a number beyond single precision"))
    return single


def _bounded(values: list[float] | None, where: str, item: Input, problems: list[Problem]) -> list[float] | None:
    low = -math.inf if item.minimum is None else item.minimum
    high = math.inf if item.maximum is None else item.maximum
    outside = [value for value in values or [] if not low <= value <= high]
    if outside:
        problems.append(("bad_input", f"{where}: got {short(outside[0])}, expected {low} to {high}"))
    return values


def _number(value: Any) -> float | None:
    """Return a finite number, or the number that a text is, true and false being 1 and 0; None otherwise."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # no number, or an integer beyond what a float holds
        return None
    return number if math.isfinite(number) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


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


def _is_text(record: Mapping[str, Any]) -> bool:
    """Tell whether every string can be written as UTF-8: none holds half of a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in json.dumps(record, ensure_ascii=False))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
