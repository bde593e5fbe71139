"""What a YAML scalar without quotes means: numbers, days and truth values in their plain spelling, and texts."""

import math
import re
from datetime import date
from typing import Any

import yaml

from include.foundation.errors import short

LONGEST_NUMBER = 24
PLAIN_INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)")
PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: word == "true" for word in ("true", "false") for spelling in (word, word.title(), word.upper())
}
IS_TEXT = "tag:yaml.org,2002:str"
TEXTS = (IS_TEXT, "tag:yaml.org,2002:value", "tag:yaml.org,2002:merge")

Meaning = tuple[Any, str | None]


def plain_scalar(text: str) -> Meaning:
    """Return what a scalar without quotes means, and what is wrong with how it is written; None where nothing is.

    Examples
    --------
    >>> plain_scalar("12")
    (12, None)
    >>> plain_scalar("yes")
    (True, "got yes, which YAML reads as true; write that, or quote it: 'yes'")
    """
    if text in CONSTANTS:
        return CONSTANTS[text], None
    if DAY.fullmatch(text):
        return _day(text)
    if PLAIN_INTEGER.fullmatch(text) or PLAIN_NUMBER.fullmatch(text):
        return _number(text)
    return _odd(text)


def _day(text: str) -> Meaning:
    try:
        return date.fromisoformat(text), None
    except ValueError as error:
        return None, f"got {text}, which is no day: {error}"


def _number(text: str) -> Meaning:
    if len(text) > LONGEST_NUMBER:
        return None, f"got a number of {len(text)} digits, expected at most {LONGEST_NUMBER}; quote a text"
    value = int(text) if PLAIN_INTEGER.fullmatch(text) else float(text)
    is_too_large = math.isinf(value) or abs(value) >= 2**63
    return value, f"got {text}, expected a number below 2^63" if is_too_large else None


def _odd(text: str) -> Meaning:
    """Return a text, unless YAML reads it as something else: then that, and a problem."""
    tags = (tag for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[0], ()) if pattern.match(text))
    if next(tags, IS_TEXT) in TEXTS:
        return text, None
    if len(text) > LONGEST_NUMBER:
        return text, f"got {short(text)}, which YAML reads as a number or a time; quote it"
    try:
        value = yaml.safe_load(text)
    except (ValueError, OverflowError):
        value = None
    if value is None or isinstance(value, date) or (isinstance(value, float) and not math.isfinite(value)):
        return value, f"got {text}, which YAML does not read as a text; quote it: '{text}'"
    return value, f"got {text}, which YAML reads as {str(value).lower()}; write that, or quote it: '{text}'"
