"""The content of rows: what is the same, and what is nearly the same."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.digests import digest_of, point_of

DIGITS = 6
FACE = r"[:;]['\u2019-]?[()\[\]{}/\\|]"
LATIN = r"_.,;:!?'\"`()\[\]{}/\\\u00a1\u00bf\u00ab\u00bb\u2010-\u2027\u2039\u203a-"
OTHER = r"\u060c\u061b\u061f\u0964\u0965\u3001-\u3011\uff01\uff0c\uff0e\uff1a\uff1b\uff1f"
MARKS = re.compile(rf"({FACE})|[{OTHER}{LATIN}]")


def content_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return a key that only rows with the same inputs share: what is asked once, and is in one split.

    Texts and categories are compared in Unicode's normal form C, numbers as they are; a missing input is like no other value.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        Has the key ``input_<name>`` for each input; a missing key counts as null.

    Returns
    -------
    str
        32 hex digits.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> newswire = loop_named("newswire")
    >>> content_key(newswire, {"input_text": "zone 1"}) == content_key(newswire, {"input_text": "zone 2"})
    False
    """
    return digest_of(*(_exact(row.get(column)) for column in loop.input_columns.values()))[:32]


def near_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return a key that trivial near duplicates share too: they are kept out of each other's way, but are not the same content.

    Texts are compared without case and marks of punctuation; symbols and faces such as ``:(`` count, and a text that has
    nothing but marks is compared as it is. Numbers are compared to six significant digits, categories as they are.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        As in `content_key`.

    Returns
    -------
    str
        32 hex digits.

    Examples
    --------
    >>> from include.foundation.config.loading import loop_named
    >>> newswire = loop_named("newswire")
    >>> near_key(newswire, {"input_text": "Net 12 mln!"}) == near_key(newswire, {"input_text": "net 12  MLN"})
    True
    """
    values = {name: row.get(column) for name, column in loop.input_columns.items()}
    is_category = {name: item.type == "categorical" for name, item in loop.inputs.items()}
    return digest_of(*(_exact(value) if is_category[name] else _near(value) for name, value in values.items()))[:32]


def former_key(loop: Loop, row: Mapping[str, Any]) -> str:
    """Return what an earlier version kept as ``content_key``: it read categories as texts, and all digits as one.

    Parameters
    ----------
    loop
        Names the inputs.
    row
        As in `content_key`.
    """
    return digest_of(*(_near(row.get(column), digits="0") for column in loop.input_columns.values()))[:32]


def keys_of(loop: Loop, rows: pa.Table, key: Callable[[Loop, Mapping[str, Any]], str] = content_key) -> list[str]:
    """Return a key of each row.

    Parameters
    ----------
    loop
        Names the inputs.
    rows
        Has their columns.
    key
        `content_key`, `near_key` or `former_key`.
    """
    return [key(loop, row) for row in rows.select(list(loop.input_columns.values())).to_pylist()]


def group_key(loop: Loop, row: Mapping[str, Any]) -> str | None:
    """Return the key of a row's group, which is its value of ``split.group``; None without one."""
    value = None if loop.group_column is None else row.get(loop.group_column)
    return None if value is None else digest_of(loop.split.group, _exact(value))[:32]


def split_point(key: str) -> float:
    """Return where a group or a content is between 0 and 1, for good: its split must not depend on what was drawn."""
    return point_of("seed split", key)


def group_keys(loop: Loop, rows: pa.Table) -> list[str | None]:
    """Return the `group_key` of each row."""
    if loop.group_column is None:
        return [None] * rows.num_rows
    return [group_key(loop, row) for row in rows.select([loop.group_column]).to_pylist()]


def _near(value: Any, digits: str | None = None) -> Any:
    if isinstance(value, str):
        text = _exact(_exact(value).casefold())
        kept = text if digits is None else re.sub(r"\d+", digits, text)
        words = MARKS.sub(lambda mark: f" {mark[1] or ''} ", kept).split()
        return " ".join(words or text.split())
    if isinstance(value, list):
        return [_near(item, digits) for item in value]
    return float(f"{value:.{DIGITS}g}") + 0.0 if isinstance(value, int | float) else value  # + 0.0: -0.0 is 0.0


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return float(value) + 0.0 if isinstance(value, int | float) else value  # -0.0 is 0.0
