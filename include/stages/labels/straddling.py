"""Rows in two splits that are nearly equal, or seem to belong together: what is judged on them was seen in training."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from math import sqrt

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.stages.selection.diversity import NEAR_DUPLICATE
from include.stages.selection.vectors import features

MOST_TRAIN, MOST_HOLDOUT = 4000, 1000  # rows that are compared
SHOWN = 3
FEWEST_VALUES, ROWS_A_VALUE = 10, 20  # what names a document or a patient has many values, of few rows each
FEWEST_SHARED, LEAST_AGREEMENT = 20, 0.5  # beyond chance, 0 to 1


def straddling(loop: Loop, train: pa.Table, holdout: pa.Table) -> str | None:
    """Return what speaks for groups that are in both splits: rows that are nearly equal, or that share more than a value.

    Parts of a document need not resemble each other. What gives them away is a column with many values of few rows each, in
    which rows of one value have one label.

    Parameters
    ----------
    loop
        Names the inputs, and the group if there is one.
    train, holdout
        Rows of ``labels``; of many, some that are evenly spread are compared.

    Returns
    -------
    str or None
        None without such rows, or if groups are known.
    """
    if loop.group_column is not None or not train.num_rows or not holdout.num_rows:
        return None
    told = [*_nearly_equal(loop, train, holdout), *_belonging_together(loop, train, holdout)]
    return " ".join(told) or None


def _nearly_equal(loop: Loop, train: pa.Table, holdout: pa.Table) -> Iterator[str]:
    some = [_some(train, MOST_TRAIN), _some(holdout, MOST_HOLDOUT)]
    vectors = features(loop, pa.concat_tables(some))
    alike = (vectors[some[0].num_rows :] @ vectors[: some[0].num_rows].T).tocsr()
    pairs = [
        (place, int(row.indices[row.data.argmax()]))
        for place, row in enumerate(alike)
        if row.nnz and row.data.max() >= NEAR_DUPLICATE
    ]
    if not pairs:
        return
    names = [part.column("trace_id").to_pylist() for part in some]
    shown = ", ".join(f"{names[1][held]} and {names[0][trained]}" for held, trained in pairs[:SHOWN])
    more = " …" if pairs[SHOWN:] else ""
    yield (
        f"{len(pairs)} of {some[1].num_rows} held-out rows are nearly equal to rows to train on ({shown}{more}): if rows "
        "belong to a document, a patient or a user, name it in split.group, or models are judged on what they have seen."
    )


def _belonging_together(loop: Loop, train: pa.Table, holdout: pa.Table) -> Iterator[str]:
    """Yield a sentence for each column whose values look like names of documents, patients or the like."""
    inputs = {name: column for name, column in loop.input_columns.items() if loop.inputs[name].type != "vector"}
    for name, column in {**inputs, **loop.segment_columns}.items():
        labels: dict[object, Counter[str]] = defaultdict(Counter)
        for value, label in _labeled_values(train, column):
            labels[value][label] += 1
        held = _labeled_values(holdout, column)
        shared = [(labels[value][label] / labels[value].total(), label) for value, label in held if value in labels]
        values, rows = len(labels.keys() | {value for value, _ in held}), train.num_rows + holdout.num_rows
        if len(shared) < FEWEST_SHARED or values < max(FEWEST_VALUES, rows / ROWS_A_VALUE):
            continue
        of_train = Counter(train.column("label").to_pylist())
        alike, chance = (
            sum(shares) / len(shared)
            for shares in ([share for share, _ in shared], [of_train[label] / train.num_rows for _, label in shared])
        )
        noise = 3 * sqrt(chance * (1 - chance) / len(shared))
        if alike - chance >= max(LEAST_AGREEMENT * (1 - chance), noise) > 0:
            yield (
                f"{len(shared)} of {len(held)} held-out rows share their {name} with rows to train on, and {alike:.0%} of "
                f"these have the same label, {chance:.0%} by chance: if {name} is what rows belong to, name it in "
                "split.group, or models are judged on what they have seen."
            )


def _labeled_values(rows: pa.Table, column: str) -> list[tuple[object, str]]:
    both = zip(rows.column(column).to_pylist(), rows.column("label").to_pylist(), strict=True)
    return [(value, label) for value, label in both if value is not None]


def _some(rows: pa.Table, most: int) -> pa.Table:
    """Return at most so many rows, evenly spread."""
    places = np.unique(np.linspace(0, rows.num_rows - 1, min(rows.num_rows, most)).astype(np.int64))
    return rows.take(pa.array(places))
