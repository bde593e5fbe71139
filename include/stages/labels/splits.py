"""Which labels models train on, and which are held out."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

APART = ("content_key", "near_key", "group_key")  # of what is in one split


def splits_of(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows to train on and those held out.

    What is held out is never trained on, nor a near duplicate of it, nor another row of its group. Of a content that was asked
    again the newest answer is trained on.
    """
    holdout = rows.filter(pc.equal(rows.column("split"), "holdout"))
    keep = pc.equal(rows.column("split"), "train")
    for name in (name for name in APART if name in rows.column_names):
        held = holdout.column(name).drop_null().combine_chunks()
        keep = pc.and_(keep, pc.invert(pc.is_in(rows.column(name), value_set=held)))
    return _newest(rows.filter(keep)), holdout


def _newest(rows: pa.Table) -> pa.Table:
    """Return the rows without those whose content was asked again later."""
    if "near_key" not in rows.column_names:  # of an earlier version, which asked for nothing again
        return rows
    keys = [rows.column(name).to_pylist() for name in ("content_key", "near_key", "decided_at", "trace_id")]
    newest: dict[str, tuple[Any, str]] = {}
    for content, _, *age in zip(*keys, strict=True):
        newest[content] = max(newest.get(content, tuple(age)), tuple(age))
    keep = [near is None or newest[content] == tuple(age) for content, near, *age in zip(*keys, strict=True)]
    return rows.filter(pa.array(keep, pa.bool_()))
