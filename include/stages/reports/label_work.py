"""What people answered, how far they agreed, and what their labels took and brought, up to a verdict."""

from dataclasses import dataclass

from include.foundation.decisions import GateVerdict, RetrainPlan, find
from include.foundation.errors import ContractError, VersionGoneError
from include.foundation.intervals import Interval
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.tables import LoopStore
from include.stages.labels.datasets import read_dataset
from include.stages.reports.anchoring_report import AnchoringReport, anchoring_report
from include.stages.reports.contested import Contested, Held, second_readings
from include.stages.reports.corrections import Corrections, corrections
from include.stages.reports.gold_answers import gold_answers
from include.stages.reports.label_coverage import Coverage, label_coverage
from include.stages.reports.label_quality import LabelQuality, label_quality
from include.stages.reports.label_returns import LabelReturns, label_returns
from include.stages.reports.loop_history import LoopHistory
from include.stages.reports.tier_work import TierWork
from include.stages.selection.signal_worth import SignalWorth, signal_worths


@dataclass(frozen=True)
class LabelWork:
    """What ``labels.html`` says; see the modules that each part is of.

    ``quality`` and ``returns`` are None, and lists empty, where no cycle's labels led to the verdict;
    ``corrected`` where there is no challenger, and where its dataset cannot be read any more; then nothing is covered.
    """

    corrected: Corrections | None
    coverage: list[Coverage]
    quality: LabelQuality | None
    gold: dict[str, Estimate]
    tiers: list[TierWork]
    contested: list[Contested]
    became: str
    held: Held | None
    returns: LabelReturns | None
    signals: list[SignalWorth]
    anchoring: AnchoringReport


def label_work(store: LoopStore, loop_history: LoopHistory, gate: GateVerdict | None) -> LabelWork:
    """Return what people did for the labels that a verdict's challenger was the first to learn from.

    Parameters
    ----------
    store
        Tables of the loop.
    loop_history
        What the loop did so far.
    gate
        The verdict; None before the first.
    """
    cycle = loop_history.cycle_of(gate.subject) if gate else None
    asked = loop_history.requests_of(cycle.interval) if cycle else set()
    plans = find(store, RetrainPlan, gate.subject, outcome="train") if gate else []
    corrected, covered = _of_dataset(store, plans[-1]) if plans else (None, [])
    return LabelWork(
        corrected=corrected,
        coverage=covered,
        quality=label_quality(store, asked) if cycle else None,
        gold=gold_answers(store),
        **second_readings(store, asked),
        returns=label_returns(store, gate, loop_history) if gate else None,
        signals=signal_worths(store, Interval.from_key(cycle.interval).end) if cycle else [],
        anchoring=anchoring_report(store),
    )


def _of_dataset(store: LoopStore, plan: RetrainPlan) -> tuple[Corrections | None, list[Coverage]]:
    """Return what a challenger's labels corrected and cover; nothing where they, or those before, are not there any more."""
    try:
        dataset = read_dataset(store, plan.dataset)
        return corrections(store, plan, dataset.train), label_coverage(store.loop, dataset)
    except (ContractError, VersionGoneError):
        return None, []
