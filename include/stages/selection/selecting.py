"""Choose the rows of an interval that are worth a label, and write them to the request ledger."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from include.foundation.decisions import DriftVerdict, SelectedBatch, latest, record
from include.foundation.errors import NothingToDo
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.read_ledger import read_in
from include.stages.selection.certainty import CertaintyStratum
from include.stages.selection.content import far_out
from include.stages.selection.frame import Frame, sampling_frame
from include.stages.selection.nominations import reported_rows
from include.stages.selection.requests import Choice, request_rows

MOST_SHOWN = 10


@dataclass(frozen=True)
class SelectionReport:
    """What a batch requests: random rows, rows of the certainty stratum, and how many of the latter users had reported."""

    batch_id: str
    random: int
    certainty: int
    reported: int
    frame_rows: int
    left_out: int
    requests: int


def select_samples(store: LoopStore, interval: Interval, budget: int | None = None) -> SelectionReport:
    """Choose at most ``budget`` rows of an interval. Each interval is chosen from only once.

    The random stratum is drawn first, uniformly from the whole frame, so its inclusion probability is ``n / N`` whatever is
    chosen after it. It is the holdout and is never trained on. The certainty stratum then takes rows that users reported, also
    on earlier days, and the most informative of the remaining candidates, diversified.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The log time to choose from; its key is the batch id.
    budget
        How many labels to request; ``selection.budget`` of the loop file if None.

    Returns
    -------
    SelectionReport
        Of the batch, also if an earlier run had chosen it.

    Raises
    ------
    NothingToDo
        If the budget is below 1 or no candidate is left.
    """
    selected = latest(store, SelectedBatch, interval.key)
    if selected is not None:
        return SelectionReport(**{field.name: getattr(selected, field.name) for field in fields(SelectionReport)})
    total = store.loop.selection.budget if budget is None else budget
    frames: list[Frame] = []

    def draw(ledger: pa.Table) -> pa.Table:
        """Draw from a frame that the commit fences: it is made anew if another run writes requests meanwhile."""
        if interval.key in ledger.column("batch_id").to_pylist():
            return rows_of(store.loop, "requests", [])
        frames.append(_frame(store, interval))
        return _draw(store, interval, frames[-1], total)

    batch = store.append_computed("requests", draw, columns=["batch_id"])
    if batch.num_rows:
        return _record(store, interval, batch, frames[-1])
    batch = store.read("requests", filters=[("batch_id", "=", interval.key)])
    return _record(store, interval, batch, _frame(store, interval))


def random_rows(budget: int, share: float) -> int:
    """Return how many rows of a budget are drawn at random: its share, but at least one row if the share is not zero.

    Examples
    --------
    >>> random_rows(60, 0.2), random_rows(3, 0.1), random_rows(10, 0.0)
    (12, 1, 0)
    """
    return 0 if share == 0 else min(budget, max(1, round(budget * share)))


def _frame(store: LoopStore, interval: Interval) -> Frame:
    window: Filter = [("ts", ">=", interval.start), ("ts", "<", interval.end)]
    return sampling_frame(store, window, (store.loop.selection.seed, interval.key), except_batch=interval.key)


def _draw(store: LoopStore, interval: Interval, frame: Frame, total: int) -> pa.Table:
    """Return the requests of a batch of at most ``total`` rows."""
    if total < 1:
        raise NothingToDo(f"The budget is {total}: no labels are asked for")
    reported, report_reasons = reported_rows(store, interval.end, (store.loop.selection.seed, interval.key))
    candidates = frame.extended(reported)
    if candidates.rows.num_rows == 0:
        raise NothingToDo(f"No row of {interval.key} is left to ask about")
    n_random = min(frame.rows.num_rows, random_rows(total, store.loop.selection.random_share))
    verdict = latest(store, DriftVerdict, interval.whole_days.key)
    stratum = CertaintyStratum(store.loop, candidates, report_reasons, verdict)
    choices = [*_random_choices(n_random, frame.rows.num_rows), *stratum.choices(n_random, total - n_random)]
    return request_rows(store.loop, candidates, choices, batch_id=interval.key, asked_at=interval.end)


def _random_choices(n: int, frame_rows: int) -> list[Choice]:
    reason = f"random draw: {n} of {frame_rows} rows"
    return [Choice(position, "random", "holdout", n / frame_rows, reason) for position in range(n)]


def _record(store: LoopStore, interval: Interval, batch: pa.Table, frame: Frame) -> SelectionReport:
    """Record what a batch in the ledger requests, also if the run that wrote it was killed before it could record that."""
    strata = batch.column("stratum").to_pylist()
    reported = sum(reasons[0].startswith("reported") for reasons in batch.column("reasons").to_pylist())
    counts = {name: strata.count(name) for name in ("random", "certainty")}
    report = SelectionReport(
        interval.key, counts["random"], counts["certainty"], reported, frame.rows.num_rows, frame.left_out, len(strata)
    )
    reason = (
        f"Asked for {report.requests} labels of {report.frame_rows} rows: {report.random} at random, "
        f"{report.certainty} chosen, {report.reported} of them reported by users."
    )
    reasons = (reason, *_notes(store, interval, frame))
    policy = store.loop.selection.model_dump(mode="json")
    record(store, SelectedBatch(subject=report.batch_id, reasons=reasons, policy=policy, **asdict(report)))
    return report


def _notes(store: LoopStore, interval: Interval, frame: Frame) -> Iterator[str]:
    """Yield what a person should know of the rows that were drawn from, and of those that were not."""
    if without := frame.rows.column("probabilities").null_count:
        yield f"{without} rows have no probabilities: chance, users and diversity can choose them, a score cannot."
    if far := far_out(store.loop, frame.rows):
        shown = ", ".join(f"{name} of {trace_id}" for trace_id, name in far[:MOST_SHOWN])
        more = " …" if far[MOST_SHOWN:] else ""
        yield f"{len(far)} numbers are far from all others: {shown}{more}; see whether they are right."
    if late := sum(entry.counts.late for entry in read_in(store, "logs", interval)):
        yield f"{late} rows that were read for it were logged before it: no draw from now on has them, users' reports can."
