"""Single values of a log: read as the store takes them, or told what is wrong with them."""

import hmac
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from include.foundation.config.sections import Input

LONGEST_LINE = 16 << 20  # what the scan takes, too
Problem = tuple[str, str]


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
        return _bounded(numbers_of(value, where, item.size, problems), where, item, problems)
    if item.type == "numeric":
        number = number_of(value)
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


def numbers_of(value: Any, where: str, size: int | None, problems: list[Problem]) -> list[float] | None:
    """Return a list of finite numbers, or the JSON text of one, noting what is wrong with it; None if anything is."""
    if value is None:
        return None
    if isinstance(value, str):  # a CSV cell
        value = _parsed(value)
    found = [number_of(item) for item in value] if isinstance(value, list) else [None]
    if None in found:
        problems.append(("bad_input", f"{where}: got {short(value)}, expected a list of finite numbers"))
        return None
    if size is not None and len(found) != size:
        problems.append(("bad_input", f"{where}: got {len(found)} numbers, expected {size}"))
        return None
    return [item for item in found if item is not None]


def number_of(value: Any) -> float | None:
    """Return a finite number, or the number that a text is, true and false being 1 and 0; None otherwise."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # no number, or an integer beyond what a float holds
        return None
    return number if math.isfinite(number) else None


def _bounded(values: list[float] | None, where: str, item: Input, problems: list[Problem]) -> list[float] | None:
    low = -math.inf if item.minimum is None else item.minimum
    high = math.inf if item.maximum is None else item.maximum
    outside = [value for value in values or [] if not low <= value <= high]
    if outside:
        problems.append(("bad_input", f"{where}: got {short(outside[0])}, expected {low} to {high}"))
    return values


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_text(record: Mapping[str, Any]) -> bool:
    """Tell whether every string can be written as UTF-8: none holds half of a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in json.dumps(record, ensure_ascii=False))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
