"""Rows that are nearly equal and in two splits: what is judged on them was seen in training, if they belong together."""

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.stages.selection.content import features
from include.stages.selection.diversity import NEAR_DUPLICATE

MOST_TRAIN, MOST_HOLDOUT = 4000, 1000  # rows that are compared
SHOWN = 3


def straddling(loop: Loop, train: pa.Table, holdout: pa.Table) -> str | None:
    """Return a sentence on held-out rows that are nearly equal to rows to train on; None without such, or if groups are known.

    Parameters
    ----------
    loop
        Names the inputs, and the group if there is one.
    train, holdout
        Rows of ``labels``; of many, some that are evenly spread are compared.
    """
    if loop.group_column is not None or not train.num_rows or not holdout.num_rows:
        return None
    some = [_some(train, MOST_TRAIN), _some(holdout, MOST_HOLDOUT)]
    vectors = features(loop, pa.concat_tables(some))
    alike = (vectors[some[0].num_rows :] @ vectors[: some[0].num_rows].T).tocsr()
    pairs = [
        (place, int(row.indices[row.data.argmax()]))
        for place, row in enumerate(alike)
        if row.nnz and row.data.max() >= NEAR_DUPLICATE
    ]
    if not pairs:
        return None
    names = [part.column("trace_id").to_pylist() for part in some]
    shown = ", ".join(f"{names[1][held]} and {names[0][trained]}" for held, trained in pairs[:SHOWN])
    more = " …" if pairs[SHOWN:] else ""
    return (
        f"{len(pairs)} of {some[1].num_rows} held-out rows are nearly equal to rows to train on ({shown}{more}): if rows "
        "belong to a document, a patient or a user, name it in split.group, or models are judged on what they have seen."
    )


def _some(rows: pa.Table, most: int) -> pa.Table:
    """Return at most so many rows, evenly spread."""
    places = np.unique(np.linspace(0, rows.num_rows - 1, min(rows.num_rows, most)).astype(np.int64))
    return rows.take(pa.array(places))
