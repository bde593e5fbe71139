"""What the decision on a batch says of it beside its counts."""

from collections.abc import Iterator

import pyarrow as pa

from include.foundation.intervals import Interval
from include.foundation.store.ledgers.taxonomies import read_predictions
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.read_ledger import read_in
from include.stages.selection.content import far_out
from include.stages.selection.passing import passing_of
from include.stages.selection.relabeling import are_relabeled
from include.stages.selection.weak_signals import told_by_signals

MOST_SHOWN = 10


def versions_of(rows: pa.Table) -> list[str]:
    """Return the versions that answered rows of ``predictions``."""
    return sorted(rows.column("model_version").unique().to_pylist())


def batch_notes(store: LoopStore, interval: Interval, window: pa.Table, batch: pa.Table) -> Iterator[str]:
    """Yield what a person should know of the rows that were drawn from, and of those that were not.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch.
    window
        Its rows of ``predictions``.
    batch
        Its requests.
    """
    if again := sum(are_relabeled(batch)):
        yield f"{again} more rows are asked again, since the class of their label was retired."
    yield from told_by_signals(batch)
    if without := read_predictions(store, window).column("probabilities").null_count:
        yield f"{without} rows have no probabilities: chance, users and diversity can choose them, a score cannot."
    for passing in passing_of(store, interval, versions_of(window)):
        yield passing.says(store.loop.selection.pass_error or 0.0)
    if far := far_out(store.loop, window):
        shown = ", ".join(f"{name} of {trace_id}" for trace_id, name in far[:MOST_SHOWN])
        more = " …" if far[MOST_SHOWN:] else ""
        yield f"{len(far)} numbers are far from all others: {shown}{more}; see whether they are right."
    if late := sum(entry.counts.late for entry in read_in(store, "logs", interval)):
        yield f"{late} rows that were read for it were logged before it: no draw from now on has them, users' reports can."
