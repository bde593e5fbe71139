"""The rows that judge a challenger: recent ones, drawn at random, as they were served."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.labeled_draws import RANDOM, TRAIN, joined
from include.foundation.store.schemas import schemas
from include.stages.labels.datasets import Dataset
from include.stages.labels.newest_rows import newest_rows

if TYPE_CHECKING:
    from include.foundation.models.served_predictions import ServedPredictions


def judging_rows(loop: Loop, dataset: Dataset, *, first: bool) -> pa.Table:
    """Return the rows that a challenger is judged on: the recent ones of `holdout_history`.

    Parameters
    ----------
    loop
        Says how recent.
    dataset
        The labels.
    first
        Whether it is the first model and no row that was served has a label: then the whole holdout judges it.
    """
    if first:
        return dataset.holdout
    return newest_rows(holdout_history(loop, dataset), loop.split.holdout_days, loop.split.holdout_rows)


def served_before(loop: Loop, history: pa.Table) -> "ServedPredictions | None":
    """Return what was served before the loop's first model, as a model; None while no row that was served has a label.

    Parameters
    ----------
    loop
        Names the classes.
    history
        The `holdout_history`.
    """
    from include.foundation.models.served_predictions import ServedPredictions

    told = history.num_rows and not history.column("predicted").null_count  # earlier versions did not keep it
    return ServedPredictions(loop) if told else None


def holdout_history(loop: Loop, dataset: Dataset) -> pa.Table:
    """Return every drawn row of a dataset that may judge a model, oldest first.

    A row counts whose content is held out, and a row that repeats a content which is trained on, as rows served tomorrow will
    repeat it. With groups, no row of a group that is trained on counts.

    Parameters
    ----------
    loop
        Says what the group is.
    dataset
        The labels.

    Returns
    -------
    pyarrow.Table
        Rows as `include.foundation.store.ledgers.labeled_draws.joined` returns them.
    """
    rows = dataset.drawn
    if rows is None:
        random = dataset.holdout.filter(pc.equal(dataset.holdout.column("stratum"), RANDOM))
        rows = joined(schemas(loop)["draws"].columns.empty_table(), random, former=random)
    if loop.group_column is not None:
        rows = rows.filter(pc.not_equal(rows.column("split"), TRAIN))
    return rows.sort_by([("ts", "ascending"), ("trace_id", "ascending")])
