"""Fields of a line that say what their writer likes: objects, kept as JSON text, and errors."""

import json
import math
from collections.abc import Mapping
from typing import Any

from include.foundation.errors import short
from include.foundation.lines.values import BLANK, Problem, is_encodable, json_or_text, number_of, text_of

LONGEST_FREE = 1 << 16  # characters
NO_ERROR = ("", "false", "null", "{}")


def read_object(name: str, value: Any, problems: list[Problem]) -> str | None:
    """Return the JSON text of an object, or of one that is given as JSON text; None where it is absent, null or blank.

    Numbers in it that are not finite become null, as JSON has none.

    Parameters
    ----------
    name
        Name of the field, for the reason.
    value
        As it came.
    problems
        What is wrong with the value is added here.

    Examples
    --------
    >>> read_object("context", {"page": 2, "load": float("nan")}, []), read_object("context", ' {"page": 2}', [])
    ('{"page":2,"load":null}', '{"page":2}')
    """
    if isinstance(value, str):
        value = json_or_text(value) if value.strip(BLANK) else None
    if value is None:
        return None
    if not isinstance(value, Mapping):
        problems.append(Problem("wrong_type", f"{name}: got {short(value)}, expected an object"))
        return None
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), default=str)
    return _kept(name, text, problems)


def read_error(value: Any, problems: list[Problem]) -> str | None:
    """Return the text of an error, or the JSON text of one that is an object; None where there was none.

    Parameters
    ----------
    value
        A text or an object; false, null, an empty object and a blank text are no error.
    problems
        What is wrong with the value is added here.

    Examples
    --------
    >>> read_error("timeout", []), read_error({"code": 504}, []), read_error(False, [])
    ('timeout', '{"code":504}', None)
    """
    is_text = isinstance(value, str)
    if (value.strip(BLANK) if is_text else text_of(value) or "") in NO_ERROR:
        return None
    if isinstance(value, Mapping) or (is_text and isinstance(json_or_text(value), Mapping)):
        return read_object("error", value, problems)
    if not is_text:
        problems.append(Problem("wrong_type", f"error: got {short(value)}, expected a text or an object"))
        return None
    return _kept("error", value, problems)


def read_impact(value: Any, problems: list[Problem]) -> float | None:
    """Return what a wrong answer would cost, at least 0; None where it is absent.

    Parameters
    ----------
    value
        A number, or the text of one.
    problems
        What is wrong with the value is added here.
    """
    impact = number_of(value)
    if value is not None and (impact is None or impact < 0):
        problems.append(Problem("wrong_type", f"impact: got {short(value)}, expected a finite number from 0 on"))
        return None
    return impact


def read_source_id(value: Any, problems: list[Problem]) -> str | None:
    """Return where a request came from: a text, or the digits of a whole number; None where it is absent or blank.

    Parameters
    ----------
    value
        As it came.
    problems
        What is wrong with the value is added here.
    """
    text = text_of(value)
    if text is None or not text.strip(BLANK):
        return None
    if isinstance(value, Mapping | list) or (isinstance(value, float) and math.isinf(value)):
        problems.append(Problem("wrong_type", f"source_id: got {short(value)}, expected a text or a number"))
        return None
    return text


def _kept(name: str, text: str, problems: list[Problem]) -> str | None:
    if len(text) > LONGEST_FREE:
        problems.append(Problem("too_long", f"{name}: got {len(text):,} characters, expected at most {LONGEST_FREE:,}"))
    elif not is_encodable(text):
        problems.append(Problem("not_utf8", f"{name}: an escape is half of a surrogate pair"))
    else:
        return text
    return None


def _finite(value: Any) -> Any:
    """Return a value of JSON with null in place of each number that is not finite."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
