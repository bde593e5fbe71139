"""Choose the rows of an interval that are worth a label, and write them to the request ledger."""

from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from include.foundation.decisions import DriftVerdict, SelectedBatch, latest, record
from include.foundation.errors import NothingToDo
from include.foundation.intervals import Interval
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.certainty import Certainty
from include.stages.selection.frame import Frame, sampling_frame
from include.stages.selection.nominations import reported_rows
from include.stages.selection.requests import Choice, request_rows


@dataclass(frozen=True)
class SelectionReport:
    """What a batch asks for: rows at random, rows of the certainty stratum, how many of those were user reports."""

    batch_id: str
    random: int
    certainty: int
    reported: int
    frame_rows: int
    left_out: int
    requests: int


def select_samples(store: LoopStore, interval: Interval, budget: int | None = None) -> SelectionReport:
    """Choose at most ``budget`` rows of an interval; an interval is chosen from once.

    The random stratum is drawn first, uniformly from the whole frame, so its inclusion probability is ``n / N`` whatever is
    chosen after it: it is the holdout, never trained on. The certainty stratum takes user reports, of earlier days too, then
    the most informative rows of the rest, spread over clusters.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        Its key is the batch id.
    budget
        Rows to ask for; ``selection.budget`` of the loop file if None.

    Raises
    ------
    NothingToDo
        If the budget is below 1 or no row is left to ask about.
    """
    decided = latest(store, SelectedBatch, interval.key)
    if decided is not None:
        return SelectionReport(**{field.name: getattr(decided, field.name) for field in fields(SelectionReport)})
    total = store.loop.selection.budget if budget is None else budget
    drawn_from: list[Frame] = []

    def draw(present: pa.Table) -> pa.Table:
        """Draw from a frame that is fenced by the commit: what another run asks meanwhile is left out."""
        if interval.key in present.column("batch_id").to_pylist():
            return rows_of(store.loop, "requests", [])
        drawn_from.append(_frame(store, interval))
        return _draw(store, interval, drawn_from[-1], total)

    batch = store.append_computed("requests", draw, columns=["batch_id"])
    if batch.num_rows:
        return _record(store, interval, batch, drawn_from[-1])
    batch = store.read("requests", filters=[("batch_id", "=", interval.key)])
    return _record(store, interval, batch, _frame(store, interval))


def random_rows(budget: int, share: float) -> int:
    """Return how many rows of a budget are drawn at random: the share, at least one if it is not zero.

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
    reported, comments = reported_rows(store, interval.end, (store.loop.selection.seed, interval.key))
    candidates = frame.extended(reported)
    if candidates.rows.num_rows == 0:
        raise NothingToDo(f"No row of {interval.key} is left to ask about")
    n_random = min(frame.rows.num_rows, random_rows(total, store.loop.selection.random_share))
    verdict = latest(store, DriftVerdict, interval.whole_days.key)
    certain = Certainty(store.loop, candidates, comments, verdict).choices(n_random, total - n_random)
    choices = [*_at_random(n_random, frame.rows.num_rows), *certain]
    return request_rows(store.loop, candidates, choices, batch_id=interval.key, asked_at=interval.end)


def _at_random(n: int, size: int) -> list[Choice]:
    reason = f"random draw: {n} of {size} rows"
    return [Choice(place, "random", "holdout", n / size, reason) for place in range(n)]


def _record(store: LoopStore, interval: Interval, batch: pa.Table, frame: Frame) -> SelectionReport:
    """Record what a batch in the ledger asks for, also when a run that was killed wrote it."""
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
    blind = frame.rows.column("probabilities").null_count
    unscored = f"{blind} rows have no probabilities: chance, users and diversity can choose them, a score cannot."
    reasons = (reason, unscored) if blind else (reason,)
    policy = store.loop.selection.model_dump(mode="json")
    record(store, SelectedBatch(subject=report.batch_id, reasons=reasons, policy=policy, **asdict(report)))
    return report
