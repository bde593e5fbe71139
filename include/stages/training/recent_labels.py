"""The labels that a challenger is trained on: all of a dataset, or the recent ones where what is right changes."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.loop_file import Loop
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import Dataset, read_dataset
from include.stages.labels.newest_rows import newest_rows

FEWEST = 200  # labels: where so many days have fewer, older ones are taken as well


def training_dataset(store: LoopStore, name: str, since: datetime | None = None) -> Dataset:
    """Return a published dataset with the labels that the loop file lets a challenger train on.

    Parameters
    ----------
    store
        Tables of the loop.
    name
        Of the dataset.
    since
        Labels before it are left out; None for all.

    Raises
    ------
    ContractError, VersionGoneError
        As `include.stages.labels.datasets.read_dataset`.
    """
    dataset = read_dataset(store, name)
    rows = recent_labels(store.loop, dataset.train)
    if since is not None:
        times = rows.column("ts")
        rows = rows.filter(pc.greater_equal(times, pa.scalar(since, times.type)))
    return replace(dataset, train=rows)


def recent_labels(loop: Loop, rows: pa.Table) -> pa.Table:
    """Return the rows of the ``training.label_days`` before the newest, or the newest `FEWEST` if those are more.

    The order of rows is kept. Seed labels without a time are older than all others.
    """
    days = loop.training.label_days
    return rows if days is None else newest_rows(rows, days, FEWEST)


def configuration(loop: Loop) -> dict[str, Any]:
    """Return how a model is built, as it is digested. How old labels may be is left out: the labels themselves are digested."""
    return loop.training.model_dump(mode="json", exclude={"label_days"})
