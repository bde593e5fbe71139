"""Single values of a line: read as the store keeps them, or with the reason why they cannot be."""

import hmac
import json
import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from include.foundation.config.sections import Input
from include.foundation.errors import short

LONGEST_LINE = 16 << 20  # DuckDB's limit, too


class Problem(NamedTuple):
    """Why a line is refused: a code to count by, and a reason in words."""

    code: str
    reason: str


def parse_object(raw: bytes) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the JSON object in a line of bytes, or why there is none: too long, not UTF-8, not JSON, no object.

    Examples
    --------
    >>> parse_object(b'{"trace_id": ')[1][0][0]
    'not_json'
    """
    if len(raw) > LONGEST_LINE:
        return None, [Problem("line_too_long", f"got {len(raw)} bytes, expected at most {LONGEST_LINE}")]
    try:
        record = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique_keys)
    except UnicodeDecodeError as error:
        return None, [Problem("not_utf8", f"byte {error.start} is not UTF-8")]
    except (ValueError, RecursionError) as error:
        return None, [Problem("not_json", f"not JSON: {error}")]
    if not isinstance(record, dict):
        return None, [Problem("not_object", f"got {short(record)}, expected a JSON object")]
    if b"\\u" in raw and not is_encodable(json.dumps(record, ensure_ascii=False)):
        return None, [Problem("not_utf8", "an escape is half of a surrogate pair, expected whole characters")]
    return record, []


def json_or_text(text: str) -> Any:
    """Return the value of a text that is JSON, else the text itself.

    Examples
    --------
    >>> json_or_text("[1, 2]"), json_or_text("two")
    ([1, 2], 'two')
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def is_encodable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: it holds no half of a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def read_input(name: str, item: Input, value: Any, problems: list[Problem]) -> Any:
    """Return one input as its column takes it.

    Parameters
    ----------
    name
        Name of the input.
    item
        What the loop file says of it.
    value
        As logged. NaN and infinities are refused; None is a problem only where the input is required.
    problems
        What is wrong with the value is added here.

    Returns
    -------
    str, float, list of float or None
        None for a value that is absent or refused.
    """
    where = f"input.{name}"
    if value is None:
        if item.required:
            problems.append(Problem("bad_input", f"{where}: missing"))
        return None
    if item.type == "vector":
        return _bounded(numbers_of(value, where, item.size, problems), where, item, problems)
    if item.type == "numeric":
        number = number_of(value)
        if number is None:
            problems.append(Problem("bad_input", f"{where}: got {short(value)}, expected a finite number"))
        _bounded(None if number is None else [number], where, item, problems)
        return number
    if item.type == "categorical" and isinstance(value, int | float):
        return text_of(value)
    if not isinstance(value, str):
        problems.append(Problem("bad_input", f"{where}: got {short(value)}, expected a string"))
        return None
    return value


def pseudonym(person: Any, key: bytes) -> str:
    """Return a keyed hash that stands for a person, 32 hex digits; ids that `text_of` writes alike are one person."""
    return hmac.digest(key, str(text_of(person)).encode(), "sha256").hex()[:32]


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
    """Return a list of finite numbers, or None if anything is wrong with it.

    Parameters
    ----------
    value
        A list, or the JSON text of one; None is absent, which is no problem.
    where
        Name of the field, for the reason.
    size
        How many numbers there must be; None for any.
    problems
        What is wrong with the value is added here.
    """
    if value is None:
        return None
    if isinstance(value, str):  # a CSV cell
        value = json_or_text(value)
    numbers = [number_of(item) for item in value] if isinstance(value, list) else [None]
    if None in numbers:
        problems.append(Problem("bad_input", f"{where}: got {short(value)}, expected a list of finite numbers"))
        return None
    if size is not None and len(numbers) != size:
        problems.append(Problem("bad_input", f"{where}: got {len(numbers)} numbers, expected {size}"))
        return None
    return [item for item in numbers if item is not None]


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
        problems.append(Problem("bad_input", f"{where}: got {short(outside[0])}, expected {low} to {high}"))
    return values


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is given twice")
    return record
