"""Which labels models train on, and which ones judge them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.store.ledgers.labeled_draws import are_trained_on

APART = ("content_key", "near_key", "group_key")  # of what is in one split


def splits_of(rows: pa.Table, released: pa.Array | None = None) -> tuple[pa.Table, pa.Table]:
    """Return the rows to train on and those held out.

    What is held out is never trained on, nor a near duplicate of it, nor another row of its group. Nor is the label of a row
    that was drawn at random: of what models know by another label it tells how they do there. Of a content that was asked again
    the newest answer is trained on.

    Parameters
    ----------
    rows
        Current labels.
    released
        Keys of held-out contents that are trained on nevertheless, see `include.stages.labels.released_rows`.
    """
    judged = rows.filter(pc.invert(judge_what_is_known(rows)))
    if released is None or not len(released):
        return former_splits_of(judged)
    is_released = pc.is_in(judged.column("content_key"), value_set=released)
    place = judged.column_names.index("split")
    split = pc.if_else(is_released, "train", judged.column("split"))
    return former_splits_of(judged.set_column(place, judged.schema.field(place), split))


def judge_what_is_known(rows: pa.Table) -> pa.BooleanArray:
    """Return which labels are of rows that were drawn at random, of contents or groups that models train on."""
    return pc.and_(pc.equal(rows.column("split"), "train"), pc.invert(are_trained_on(rows)))


def former_splits_of(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows to train on and those held out as earlier versions did, which trained on every row of that split."""
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
