"""Choose the rows of an interval that are worth a label, and write them to the request ledger."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.escalation_section import FIRST_TIER
from include.foundation.decisions import DriftVerdict, SelectedBatch, latest, record
from include.foundation.errors import NothingToDo
from include.foundation.intervals import Interval
from include.foundation.store.ledgers.outcomes import GOLD
from include.foundation.store.ledgers.prelabel_arms import anchoring, shown_from
from include.foundation.store.rows import rows_of
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.selection.asked import Asked, asked_before, oldest_answer
from include.stages.selection.backlog import backlog_of
from include.stages.selection.batch_notes import batch_notes
from include.stages.selection.certainty import CertaintyStratum, reserve
from include.stages.selection.committees import Committee, committee_of
from include.stages.selection.drawing import draw_rows
from include.stages.selection.frame import Candidates, candidates_of
from include.stages.selection.gold import gold_requests
from include.stages.selection.nomination_kinds import Bars
from include.stages.selection.nominations import broken_columns, cold_start, nominations_of
from include.stages.selection.passing import Thresholds
from include.stages.selection.relabeling import are_relabeled, relabel_requests
from include.stages.selection.requests import BY_USER, Choice, request_rows
from include.stages.selection.shortlisting import Pool, trainable
from include.stages.selection.user_reports import reported_rows
from include.stages.selection.weak_signals import weak_signals
from include.stages.selection.window import Wanted, Window, WindowReader

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

COLD = "Cold start: fewer than {} labels to train on, so that chosen rows cover what is served."


@dataclass(frozen=True)
class SelectionReport:
    """What a batch requests: random rows, rows of the certainty stratum, and how many of the latter users had reported.

    ``drawn`` rows of ``frame_rows`` were drawn at random; those that are not requested take the answer of an earlier request.
    """

    batch_id: str
    random: int
    certainty: int
    reported: int
    frame_rows: int
    requests: int
    drawn: int = 0


class Demand(NamedTuple):
    """How many labels to ask for, of how many random rows among them, and why these are fewer than the budget."""

    total: int
    random: int
    reasons: tuple[str, ...] = ()


def select_samples(
    store: LoopStore,
    interval: Interval,
    budget: int | None = None,
    models: Callable[[int], Sequence["LoadedModel"]] | None = None,
) -> SelectionReport:
    """Choose at most ``budget`` rows of an interval. Each interval is chosen from only once.

    The random stratum is drawn first, uniformly from the rows as they were served, so its inclusion probability is ``n / N``
    (with ``selection.quota`` that of the row's segment value) whatever is chosen after it. It is the holdout: what is drawn
    before anybody was asked about it is never trained on. The certainty stratum then takes rows that users reported, also on
    earlier days, and the most informative of the remaining contents, diversified.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The log time to choose from; its key is the batch id.
    budget
        How many labels to request; if None, ``selection.budget`` of the loop file, or what people can give in time if that is
        less.
    models
        Returns the newest registered versions, at most so many, for `selection.nominate.committee`; None without a registry.

    Returns
    -------
    SelectionReport
        Of the batch, also if an earlier run had chosen it.

    Raises
    ------
    NothingToDo
        If the budget is below 1, or no row was drawn and no candidate is left.
    """
    selected = latest(store, SelectedBatch, interval.key)
    if selected is not None:
        return SelectionReport(**{field.name: getattr(selected, field.name) for field in fields(SelectionReport)})
    demand = _demand(store, interval, budget)
    is_asked = store.read("requests", columns=["batch_id"], filters=[("batch_id", "=", interval.key)]).num_rows > 0
    with closing(WindowReader(store, interval)) as reader:
        committee, why_none = (None, ()) if is_asked else committee_of(store.loop, models)
        demand = demand._replace(reasons=(*demand.reasons, *why_none))
        window = None if is_asked else _request(store, interval, reader, demand, committee)
        if window is None:  # an earlier run asked, and was killed before it could record that
            demand, window = Demand(0, 0), reader.read(Wanted())
    return _record(store, interval, window, demand)


def _demand(store: LoopStore, interval: Interval, budget: int | None) -> Demand:
    """Return what to ask for: a person's budget, or the loop file's as far as people can keep up with it."""
    policy = store.loop.selection
    cold = cold_start(store)
    most = policy.budget if cold is None else min(policy.budget, cold.budget or policy.budget)
    total = most if budget is None else budget
    random, reasons = random_rows(total, policy.random_share), () if cold is None else (COLD.format(cold.labels),)
    if budget is not None or policy.backlog == "ignored":
        return Demand(total, random, reasons)
    backlog, days = backlog_of(store), (interval.end - interval.start) / timedelta(days=1)
    bounded = backlog.bounded(total, random, days)
    return Demand(bounded, random, (*reasons, *(() if bounded == total else (backlog.says(bounded, total),))))


def _request(
    store: LoopStore, interval: Interval, reader: WindowReader, demand: Demand, committee: Committee | None
) -> Window | None:
    """Write what is drawn for a batch, then its requests, and return its rows; None if another run writes the requests."""
    if demand.total < 1:
        raise NothingToDo(f"The budget is {demand.total}: no labels are asked for")
    wanted = _wanted(store, interval, reader, demand, committee)
    window = reader.read(wanted)
    draws = draw_rows(store, interval, window.first)
    chosen = [True]

    def choose(ledger: pa.Table) -> pa.Table:
        """Choose from what the commit fences: again, if another run writes requests meanwhile."""
        chosen[0] = interval.key not in ledger.column("batch_id").to_pylist()
        if not chosen[0]:
            return rows_of(store.loop, "requests", [])
        return _chosen(store, interval, Pool(reader, window, wanted), draws, demand)

    store.append_computed("requests", choose, columns=["batch_id"])
    return window if chosen[0] else None


def _wanted(
    store: LoopStore, interval: Interval, reader: WindowReader, demand: Demand, committee: Committee | None
) -> Wanted:
    """Return what a batch is chosen from."""
    verdict = latest(store, DriftVerdict, interval.whole_days.key)
    is_critical_first = demand.total < store.loop.selection.budget
    bars = Bars(broken_columns(verdict, reader.columns), Thresholds(store, interval))
    slots = demand.total - demand.random
    nominations = nominations_of(store, verdict, bars, critical_first=is_critical_first, committee=committee)
    return Wanted(demand.random, nominations, reserve(slots) + slots)


def random_rows(budget: int, share: float) -> int:
    """Return how many rows of a budget are drawn at random: its share, but at least one row if the share is not zero.

    Examples
    --------
    >>> random_rows(60, 0.2), random_rows(3, 0.1), random_rows(10, 0.0)
    (12, 1, 0)
    """
    return 0 if share == 0 else min(budget, max(1, round(budget * share)))


def _chosen(store: LoopStore, interval: Interval, pool: Pool, draws: pa.Table, demand: Demand) -> pa.Table:
    """Return the requests of a batch of no more rows than are wanted."""
    seed, asked = (store.loop.selection.seed, interval.key), asked_before(store)
    random = _drawn_unasked(store, interval, pool.window.first.rows, draws, asked)
    drawn = request_rows(
        store.loop,
        random,
        _random_choices(draws, random, pool.window.rows),
        batch_id=interval.key,
        asked_at=interval.end,
    )
    asked.note(drawn)
    trusted = shown_from(anchoring(store), store.loop.labeling.max_anchoring)
    slots = demand.total - draws.num_rows
    again = relabel_requests(store, interval, asked, slots, shown_from=trusted)
    reported, reports = reported_rows(store, interval.end, seed, asked, weak_signals(store, interval))
    candidates = pool.candidates(store, asked, trainable(reported, asked))
    if candidates.rows.num_rows + draws.num_rows + again.num_rows == 0:
        raise NothingToDo(f"No row of {interval.key} is left to ask about")
    stratum = CertaintyStratum(store.loop, candidates, reports, pool.wanted.nominations)
    choices = stratum.choices(slots - again.num_rows) if candidates.rows.num_rows else []
    chosen = request_rows(
        store.loop, candidates, choices, batch_id=interval.key, asked_at=interval.end, shown_from=trusted
    )
    batch = pa.concat_tables([drawn, again, chosen])
    return pa.concat_tables([batch, gold_requests(store, interval, batch.num_rows)])


def _drawn_unasked(store: LoopStore, interval: Interval, first: pa.Table, draws: pa.Table, asked: Asked) -> Candidates:
    """Return the drawn rows that are to answer for their content, unless somebody was asked about it meanwhile."""
    own = draws.filter(pc.equal(draws.column("trace_id"), draws.column("asked_trace_id")))
    keys = own.column("content_key").to_pylist()
    answering = asked.answering(keys, oldest_answer(store.loop, interval.start))
    unasked = own.column("trace_id").filter(pa.array([key not in answering for key in keys], pa.bool_()))
    rows = first.filter(pc.is_in(first.column("trace_id"), unasked.combine_chunks()))
    if rows.num_rows < len(unasked):  # a run with another budget drew
        among: Filter = [
            ("ts", ">=", interval.start),
            ("ts", "<", interval.end),
            ("trace_id", "in", unasked.to_pylist()),
        ]
        rows = store.read("predictions", filters=among)
    return candidates_of(store, rows.sort_by("trace_id"), asked)


def _random_choices(draws: pa.Table, random: Candidates, served: int) -> list[Choice]:
    """Return the choice of each drawn row that is asked."""
    reason = f"random draw: {draws.num_rows} of {served} rows"
    chances = dict(
        zip(*(draws.column(name).to_pylist() for name in ("trace_id", "inclusion_probability")), strict=True)
    )
    ids = random.rows.column("trace_id").to_pylist()
    return [Choice(place, "random", "holdout", chances[name], reason) for place, name in enumerate(ids)]


def _record(store: LoopStore, interval: Interval, window: Window, demand: Demand) -> SelectionReport:
    """Record what a batch in the ledger requests, also if the run that wrote it was killed before it could record that."""
    batch = store.read("requests", filters=[("batch_id", "=", interval.key), ("tier", "=", FIRST_TIER)])
    is_gold = pc.equal(batch.column("stratum"), GOLD)
    batch, gold = batch.filter(pc.invert(is_gold)), pc.sum(is_gold).as_py() or 0
    strata = batch.filter(pc.invert(pa.array(are_relabeled(batch), pa.bool_()))).column("stratum").to_pylist()
    reported = batch.column("cause").to_pylist().count(BY_USER)
    counts = {name: strata.count(name) for name in ("random", "certainty")}
    drawn = store.read("draws", columns=["batch_id"], filters=[("batch_id", "=", interval.key)]).num_rows
    report = SelectionReport(
        interval.key, counts["random"], counts["certainty"], reported, window.rows, batch.num_rows, drawn
    )
    free = (
        f" {drawn - report.random} drawn rows have the answer of an earlier request." if drawn > report.random else ""
    )
    reason = (
        f"Asked for {report.requests} labels of {report.frame_rows} rows: {report.random} at random, "
        f"{report.certainty} chosen, {report.reported} of them reported by users.{free}"
    )
    mixed_in = (f"{gold} more requests are gold questions, whose answer is known.",) if gold else ()
    reasons = (reason, *mixed_in, *demand.reasons, *batch_notes(store, interval, window, batch))
    policy = store.loop.selection.model_dump(mode="json")
    record(store, SelectedBatch(subject=report.batch_id, reasons=reasons, policy=policy, **asdict(report)))
    return report
