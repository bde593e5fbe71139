"""What the decision on a batch says of it beside its counts."""

from collections.abc import Iterator

import pyarrow as pa

from include.foundation.intervals import Interval
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.read_ledger import read_in
from include.stages.selection.passing import Thresholds
from include.stages.selection.relabeling import are_relabeled
from include.stages.selection.weak_signals import told_by_signals
from include.stages.selection.window import Window

MOST_SHOWN = 10
BEGINNINGS = (
    "in a drifted segment:",
    "impact",
    "low confidence:",
    "committee",
    "under-represented:",
    "outlier:",
    "cold start:",
)


def batch_notes(store: LoopStore, interval: Interval, window: Window, batch: pa.Table) -> Iterator[str]:
    """Yield what a person should know of the rows that were drawn from, and of those that were not.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch.
    window
        Its rows.
    batch
        Its requests.
    """
    if again := sum(are_relabeled(batch)):
        yield f"{again} more rows are asked again, since the class of their label was retired."
    yield from told_by_signals(batch)
    yield from _nominated(batch)
    if window.unscored:
        yield f"{window.unscored} rows have no probabilities: chance, users and diversity can choose them, a score cannot."
    if (allowed := store.loop.selection.pass_error) is not None:
        thresholds = Thresholds(store, interval)
        yield from (thresholds.of(version).says(allowed) for version in sorted(window.versions))
    if far := window.far_out():
        shown = ", ".join(f"{name} of {trace_id}" for trace_id, name in far[:MOST_SHOWN])
        more = " …" if far[MOST_SHOWN:] else ""
        yield f"{len(far)} numbers are far from all others: {shown}{more}; see whether they are right."
    if late := sum(entry.counts.late for entry in read_in(store, "logs", interval)):
        yield f"{late} rows that were read for it were logged before it: no draw from now on has them, users' reports can."


def _nominated(batch: pa.Table) -> Iterator[str]:
    """Yield how many rows of a batch each kind of nomination has brought, by the words that their reasons begin with."""
    first = [reasons[0] for reasons in batch.column("reasons").to_pylist()]
    counts = {words: sum(reason.startswith(words) for reason in first) for words in BEGINNINGS}
    if told := ", ".join(f"{count} {words.strip(':')}" for words, count in counts.items() if count):
        yield f"By what nominates beside score and users: {told}."
