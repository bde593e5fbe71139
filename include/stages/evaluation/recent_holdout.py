"""The rows that judge a challenger: recent ones, drawn at random, as they were served."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.store.ledgers.labeled_draws import RANDOM, SERVED_CONFIDENCE, TRAIN, joined
from include.foundation.store.ledgers.served_confidence import ServedBeside, ServedRow, served_beside
from include.foundation.store.schemas import schemas
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset
from include.stages.labels.newest_rows import newest_rows
from include.stages.selection.first_asks import FirstAsks

if TYPE_CHECKING:
    from include.foundation.models.served_predictions import ServedPredictions


MOST_WEIGHED = 3.0


def judging_rows(loop: Loop, dataset: Dataset, *, first: bool, asks: FirstAsks | None = None) -> pa.Table:
    """Return the rows that a challenger is judged on: the recent ones of `holdout_history`.

    Parameters
    ----------
    loop
        Says how recent.
    dataset
        The labels.
    first
        Whether it is the first model and no row that was served has a label: then the whole holdout judges it.
    asks
        As in `holdout_history`.
    """
    if first:
        return dataset.holdout
    return _as_served(loop, newest_rows(_drawn(loop, dataset), loop.split.holdout_days, loop.split.holdout_rows), asks)


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


def holdout_history(loop: Loop, dataset: Dataset, asks: FirstAsks | None = None) -> pa.Table:
    """Return every drawn row of a dataset that may judge a model, oldest first.

    A row counts whose content is held out, and a row that repeats a content which is trained on, as rows served tomorrow will
    repeat it; so does one of a group that was trained on before. A row of a group that was new to models, and that they train
    on now, tells nothing: rows of groups that are held out, which a hash decides, stand for it as well.

    Parameters
    ----------
    loop
        Says what the group is.
    dataset
        The labels.
    asks
        Since when models train on groups; if None, no row of a group that is trained on counts.

    Returns
    -------
    pyarrow.Table
        Rows as `include.foundation.store.ledgers.labeled_draws.joined` returns them.
    """
    return _as_served(loop, _drawn(loop, dataset), asks)


def _drawn(loop: Loop, dataset: Dataset) -> pa.Table:
    rows = dataset.drawn
    if rows is None:
        random = dataset.holdout.filter(pc.equal(dataset.holdout.column("stratum"), RANDOM))
        rows = joined(schemas(loop)["draws"].columns.empty_table(), random, former=random)
    return rows.sort_by([("ts", "ascending"), ("trace_id", "ascending")])


def _as_served(loop: Loop, rows: pa.Table, asks: FirstAsks | None) -> pa.Table:
    """Return the rows that tell of what is served next, with the probability that each stands for."""
    if loop.group_column is None:
        return rows
    held_out = pc.equal(rows.column("split"), "holdout").combine_chunks()
    known = pa.array(_known(rows, asks), pa.bool_())
    probabilities = rows.column("inclusion_probability").combine_chunks()
    weights = pc.divide(1.0, probabilities)
    held, new = (pc.sum(weights.filter(part)).as_py() or 0.0 for part in (held_out, pc.invert(pc.or_(held_out, known))))
    stands_for = (held + new) / held if held else 1.0
    chances = pc.if_else(held_out, pc.divide(probabilities, stands_for), probabilities)
    place = rows.column_names.index("inclusion_probability")
    counted = rows.set_column(place, rows.schema.field(place), chances)
    return counted.filter(pc.or_(held_out, known))


def as_of_tomorrow(rows: pa.Table, asks: FirstAsks, share: float | None) -> pa.Table:
    """Return drawn rows with the probability that each stands for in what is served next, of which models know more.

    Parameters
    ----------
    rows
        That judge a challenger, as `judging_rows` returns them.
    asks
        Since when it is trained on contents and groups.
    share
        Of today's rows that it knows: those that it knew stand for so many, but for `MOST_WEIGHED` times as many at most. If
        None, for as many as were drawn.
    """
    known = np.array(_known(rows, asks), dtype=bool)
    if share is None or known.all() or not known.any():
        return rows
    place = rows.column_names.index("inclusion_probability")
    probabilities = np.array(rows.column(place).to_pylist())
    drawn = float((1 / probabilities[known]).sum() / (1 / probabilities).sum())
    odds = share / max(1 - share, 1e-9) * (1 - drawn) / drawn
    times = float(np.clip(odds, 1 / MOST_WEIGHED, MOST_WEIGHED))
    chances = np.where(known, min(1.0, 1 / times), min(1.0, times)) * probabilities
    return rows.set_column(place, rows.schema.field(place), pa.array(chances))


def _known(rows: pa.Table, asks: FirstAsks | None) -> list[bool]:
    """Return which rows are of a content, or group, that models train on and that was asked about before they were served."""
    of_rows = zip(*(rows.column(name).to_pylist() for name in ("split", "content_key", "group_key", "ts")), strict=True)
    return [
        asks is not None and split == TRAIN and bool(asks.is_known(content, group, served))
        for split, content, group, served in of_rows
    ]


def served_with(store: LoopStore, rows: pa.Table) -> ServedBeside | None:
    """Return what was served beside rows that judge a model; None if they are not drawn from what was served.

    It is what production's model said before any label was there. A challenger's own confidence would not do: it has learnt
    the labels of many logged rows, and of none that was drawn.

    Parameters
    ----------
    store
        Tables of the loop.
    rows
        As `holdout_history` returns them.
    """
    if SERVED_CONFIDENCE not in rows.column_names or not rows.num_rows:
        return None
    served = served_rows(rows)
    return served_beside(store, served, since=min(row.ts for row in served))


def served_rows(rows: pa.Table) -> list[ServedRow]:
    """Return rows of `holdout_history` as they were served."""
    names = ("trace_id", "ts", "model_version", "predicted", SERVED_CONFIDENCE, "inclusion_probability")
    return list(map(ServedRow, *(rows.column(name).to_pylist() for name in names)))


def keys_of_answers(rows: pa.Table) -> list[str]:
    """Return the request that each row's label answers, or else the label: the same for all rows of a content."""
    ids = zip(rows.column("request_id").to_pylist(), rows.column("label_id").to_pylist(), strict=True)
    return [request or label for request, label in ids]
