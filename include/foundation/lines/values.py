"""Single values of a line: read as the store keeps them, or with the reason why they cannot be."""

import hmac
import json
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from include.foundation.errors import short

LONGEST_LINE = 16 << 20  # DuckDB's limit, too
MOST_NESTED = 100  # levels of JSON: Python reads and writes about 900 before it gives up, fewer the deeper it is called
TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
BLANK = " \t\n\f\r"
EXACT = 2**53  # below it a float holds every whole number
TRUE, FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}


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
        record = read_json(raw.decode("utf-8"), object_pairs_hook=_unique_keys)
    except UnicodeDecodeError as error:
        return None, [Problem("not_utf8", f"byte {error.start} is not UTF-8")]
    except ValueError as error:
        return None, [Problem("not_json", f"not JSON: {error}")]
    if not isinstance(record, dict):
        return None, [Problem("not_object", f"got {short(record)}, expected a JSON object")]
    if b"\\u" in raw and not is_encodable(json.dumps(record, ensure_ascii=False)):
        return None, [Problem("not_utf8", "an escape is half of a surrogate pair, expected whole characters")]
    return record, []


def read_json(text: str, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Return the value of a JSON text; of what lies deeper than `MOST_NESTED` levels only that it is there.

    Parameters
    ----------
    text
        Anything.
    object_pairs_hook
        As of ``json.loads``.

    Raises
    ------
    ValueError
        If it is no JSON.

    Examples
    --------
    >>> read_json('{"a": [1, 2]}'), str(read_json("[" * 5000 + "]" * 5000)).count("[")
    ({'a': [1, 2]}, 100)
    """
    if text.count("[") + text.count("{") > MOST_NESTED:
        text = _shallow(text)
    return json.loads(text, object_pairs_hook=object_pairs_hook)


def json_line(record: Mapping[str, Any]) -> str:
    r"""Return a record as one line of JSON, in which every sign that some reader takes for the end of a line is escaped.

    Examples
    --------
    >>> print(json_line({"text": "one\u2028two"}))
    {"text": "one\u2028two"}
    """
    text = json.dumps(record, ensure_ascii=False, default=str)
    return re.sub("[\x85\u2028\u2029]", lambda sign: f"\\u{ord(sign[0]):04x}", text)


def json_or_text(text: str) -> Any:
    """Return the value of a text that is JSON, else the text itself.

    Examples
    --------
    >>> json_or_text("[1, 2]"), json_or_text("two")
    ([1, 2], 'two')
    """
    try:
        return read_json(text)
    except ValueError:
        return text


def is_encodable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def pseudonym(person: Any, key: bytes) -> str:
    """Return a keyed hash that stands for a person, 32 hex digits; ids that look alike in Unicode are one person."""
    return hmac.digest(key, unicodedata.normalize("NFC", str(text_of(person))).encode(), "sha256").hex()[:32]


def text_of(value: Any) -> str | None:
    """Return the text of a value as the scan reads it: a string itself, a whole number its digits, else its JSON; NaN is none.

    Examples
    --------
    >>> text_of("eu"), text_of(7), text_of(7.0), text_of(True), text_of({"a": 1})
    ('eu', '7', '7', 'true', '{"a":1}')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() and abs(value) < EXACT else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def plain_value(value: Any) -> Any:
    """Return a value of a database or a Parquet file as JSON can hold it: whole decimals keep every digit, bytes are text.

    Examples
    --------
    >>> plain_value(Decimal("9007199254740993")), plain_value(Decimal("0.5")), plain_value("café".encode())
    (9007199254740993, 0.5, 'café')
    """
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value)


def is_blank(text: str) -> bool:
    """Tell whether a text has nothing but white space."""
    return not text.strip(BLANK)


def class_of(value: Any, classes: Collection[str]) -> str | None:
    """Return the class that a value names: exactly, or but for white space around it and Unicode's normal form; else None.

    Examples
    --------
    >>> class_of(" earn", ["earn", "1"]), class_of(1.0, ["earn", "1"]), class_of("Earn", ["earn", "1"])
    ('earn', '1', None)
    """
    text = text_of(value)
    if text is None or text in classes:
        return text
    return next((name for name in classes if _composed(name) == _composed(text)), None)


def truth_of(value: Any) -> bool | None:
    """Return a truth value, or what a number or word means by it; None of anything else.

    Examples
    --------
    >>> truth_of(1.0), truth_of("Yes"), truth_of("0"), truth_of("perhaps")
    (True, True, False, None)
    """
    word = str(text_of(value)).strip(BLANK).lower()
    return True if word in TRUE else False if word in FALSE else None


def moment_of(value: Any) -> datetime | None:
    """Return an ISO 8601 text or a datetime as an aware one in UTC; None if it is neither."""
    try:
        if hasattr(value, "to_pydatetime"):  # Parquet's nanoseconds; the store keeps microseconds
            value = value.to_pydatetime(warn=False)
        moment = (
            value
            if isinstance(value, datetime)
            else datetime.fromisoformat(value.strip() if isinstance(value, str) else value)
        )
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def number_of(value: Any) -> float | None:
    """Return a finite number, or the number that a text is, true and false being 1 and 0; None otherwise."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # no number, or an integer beyond what a float holds
        return None
    return number if math.isfinite(number) else None


def _shallow(text: str) -> str:
    """Return a JSON text with a text in place of each object and list that is nested too deeply."""
    kept, depth, end = [], 0, 0
    for token in TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MOST_NESTED + 1:
                kept.append(text[end : token.start()])
        elif token[0] in "]}":
            depth -= 1
            if depth == MOST_NESTED:
                kept.append('"nested too deeply"')
                end = token.end()
    return "".join(kept) + (text[end:] if depth <= MOST_NESTED else "")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is given twice")
    return record


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
