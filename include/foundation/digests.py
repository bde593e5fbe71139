"""Digests by which equal content is recognised: of values, of rows, and of tables in any order of rows."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa


def digest_of(*parts: object) -> str:
    """Return the SHA-256 of the parts' canonical JSON (64 hex digits).

    Examples
    --------
    >>> digest_of("newswire", 1) == digest_of("newswire", 1), digest_of("ab", "c") == digest_of("a", "bc")
    (True, False)
    """
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys, no spaces and full precision, so that equal values give equal text.

    NaN and infinities are written as ``NaN`` and ``Infinity``; dates and times in ISO format.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def table_digest(table: pa.Table) -> str:
    """Return a digest over the column names, the types and every cell of a table.

    The order of rows and of columns does not matter; a changed cell, type, name or a repeated row does.

    Parameters
    ----------
    table
        Any table, also an empty one.

    Returns
    -------
    str
        64 hex digits.

    Examples
    --------
    >>> one = pa.table({"a": [1, 2], "b": ["x", None]})
    >>> table_digest(one) == table_digest(pa.table({"b": [None, "x"], "a": [2, 1]}))
    True
    >>> table_digest(one) == table_digest(pa.table({"a": [1.0, 2.0], "b": ["x", None]}))
    False
    """
    names = sorted(table.column_names)
    header = canonical_json([[name, str(table.schema.field(name).type)] for name in names])
    rows = sorted(row_digests(table, names))
    return hashlib.sha256((header + "".join(rows)).encode()).hexdigest()


def row_digests(table: pa.Table, columns: Iterable[str]) -> list[str]:
    """Return the SHA-256 of each row over the named columns, in row order."""
    names = list(columns)
    cells = [table.column(name).to_pylist() for name in names]
    return [digest_of(*row) for row in zip(*cells, strict=True)] if names else []


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    msg = f"got {type(value).__name__}, expected something JSON can hold"
    raise TypeError(msg)
