"""The fields of a line, by the rules that every edge shares: read as the store keeps them, or refused with the reason."""

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from include.foundation.config.sections import Input
from include.foundation.errors import did_you_mean, short
from include.foundation.lines.values import Problem, class_of, json_or_text, moment_of, number_of, text_of

INFINITIES = (math.inf, -math.inf)


def read_id(record: Mapping[str, Any], name: str, problems: list[Problem]) -> str | None:
    """Return an id or another short name of a record: a text that is not empty, taken as it is, or a number.

    Parameters
    ----------
    record
        The record.
    name
        Its key.
    problems
        What is wrong with the value is added here.

    Examples
    --------
    >>> read_id({"trace_id": 5.0}, "trace_id", [])
    '5'
    """
    value = record.get(name)
    text = text_of(value)
    if not text:
        problems.append(_missing(name))
        return None
    if isinstance(value, Mapping | list) or value in INFINITIES:
        problems.append(Problem("wrong_type", f"{name}: got {short(value)}, expected a text or a number"))
        return None
    return text


def read_class(
    name: str, value: Any, classes: Collection[str], problems: list[Problem], code: str = "unknown_class"
) -> str | None:
    """Return the class in a field, see `class_of`.

    Parameters
    ----------
    name
        Name of the field, for the reason.
    value
        As it came; None is a problem.
    classes
        Of the loop.
    problems
        What is wrong with the value is added here.
    code
        Of that problem.
    """
    if value is None:
        problems.append(_missing(name))
        return None
    read = class_of(value, classes)
    if read is None:
        expected = f"expected one of task.classes{did_you_mean(str(text_of(value)), classes)}"
        problems.append(Problem(code, f"{name}: got {short(value)}, {expected}"))
    return read


def read_moment(record: Mapping[str, Any], name: str, latest: datetime, problems: list[Problem]) -> datetime | None:
    """Return the time in a field, in UTC.

    Parameters
    ----------
    record
        The record.
    name
        Its key; the value is ISO 8601 text or a datetime, UTC if it has no zone.
    latest
        Latest plausible time.
    problems
        What is wrong with the value is added here.
    """
    value = record.get(name)
    if value is None:
        problems.append(_missing(name))
        return None
    moment = moment_of(value)
    if moment is None:
        expected = "expected ISO 8601 such as 2026-11-01T09:30:00Z"
        problems.append(Problem("bad_timestamp", f"{name}: got {short(value)}, {expected}"))
    elif moment > latest:
        written = f"but the file was written by {latest.isoformat()}, clock skew allowed"
        problems.append(Problem("from_the_future", f"{name}: got {moment.isoformat()}, {written}"))
    return moment


def read_seconds(name: str, value: Any, most: float, problems: list[Problem]) -> float | None:
    """Return a length of time in seconds.

    Parameters
    ----------
    name
        Name of the field, for the reason.
    value
        A number, or the text of one; None is absent, which is no problem.
    most
        The longest that is plausible.
    problems
        What is wrong with the value is added here.
    """
    seconds = number_of(value)
    if value is not None and (seconds is None or not 0 <= seconds <= most):
        problems.append(Problem("wrong_type", f"{name}: got {short(value)}, expected 0 to {most:,.0f} seconds"))
        return None
    return seconds


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


def _bounded(values: list[float] | None, where: str, item: Input, problems: list[Problem]) -> list[float] | None:
    low = -math.inf if item.minimum is None else item.minimum
    high = math.inf if item.maximum is None else item.maximum
    outside = [value for value in values or [] if not low <= value <= high]
    if outside:
        problems.append(Problem("bad_input", f"{where}: got {short(outside[0])}, expected {low} to {high}"))
    return values


def _missing(name: str) -> Problem:
    return Problem("missing_field", f"{name}: missing")
