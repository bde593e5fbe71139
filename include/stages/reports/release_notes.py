"""A cycle's release notes: Markdown, and one self-contained HTML page."""

from typing import TYPE_CHECKING, Any

from include.foundation.decisions import (
    Evaluation,
    GateVerdict,
    PublishedDataset,
    RetrainPlan,
    find,
    latest,
)
from include.foundation.decisions.chain import Kind
from include.foundation.errors import ContractError
from include.foundation.intervals import Interval
from include.foundation.pages.formats import large
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.evaluation.evaluation_page import comparison, evaluation_page
from include.stages.reports.cycle_charts import accuracy_by_labels_chart, accuracy_chart
from include.stages.reports.kept_pages import write_index
from include.stages.reports.label_quality import LabelQuality
from include.stages.reports.label_work import label_work
from include.stages.reports.lessons import lessons
from include.stages.reports.loop_history import CycleSummary, LoopHistory
from include.stages.reports.overview import headline, notes_path, page

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


def write_release_notes(store: LoopStore, gate: GateVerdict, registry: "ModelRegistry | None" = None) -> str:
    """Write what a verdict means, why, and what it rests on; return the URI of the page.

    Written again from the same tables, they are the same to the byte.

    Parameters
    ----------
    store
        Tables of the loop; the notes land in its files, and ``reports/index.html`` leads to all of them.
    gate
        The verdict.
    registry
        If given, the notes are kept with the challenger's run, too.

    Raises
    ------
    ContractError
        If the store lacks what the verdict rests on.
    """
    loop_history = LoopHistory(store)
    facts = notes(store, gate, loop_history)
    html, text = page("release_notes.html", facts), page("release_notes.md", facts)
    path = notes_path(gate)
    write_file(store, f"{path.removesuffix('.html')}.md", text)
    uri = write_file(store, path, html)
    write_index(store, loop_history)
    if registry is not None:
        _keep_with_run(store, gate, registry, {"release_notes.html": html, "release_notes.md": text})
    return uri


def _keep_with_run(store: LoopStore, gate: GateVerdict, registry: "ModelRegistry", pages: dict[str, str]) -> None:
    """Keep the notes, the comparison and the scores with their intervals in the challenger's MLflow run."""
    run_id = gate.run_id
    for name, content in pages.items():
        registry.log_file(run_id, name, content)
    registry.log_file(run_id, "plots/comparison.html", evaluation_page(store.loop, _evaluation(store, gate), gate))
    scores = {
        f"{model}_{part}": value
        for model, score in gate.scores.by_name().items()
        for part, value in (("value", score.value), ("low", score.low), ("high", score.high))
        if value is not None
    }
    registry.log_metrics(run_id, scores, step=gate.round)


def notes(store: LoopStore, gate: GateVerdict, loop_history: LoopHistory) -> dict[str, Any]:
    """Return everything that the notes say, from the store alone.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        The verdict that the notes are on.
    loop_history
        What the loop did so far.
    """
    evaluation, plan, cycle = _evaluation(store, gate), _plan(store, gate), loop_history.cycle_of(gate.subject)
    drift = loop_history.drift_on(Interval.from_key(cycle.interval)) if cycle else None
    work = label_work(store, loop_history, gate)
    return {
        "loop": store.loop,
        "headline": headline(store, gate),
        "gate": gate,
        "figures": _figures(gate, cycle, work.quality),
        "plan": plan,
        "dataset": _demand(latest(store, PublishedDataset, plan.dataset), gate, "dataset trained on"),
        "drift": drift,
        **vars(work),
        "lessons": lessons(store.loop.gate, gate, evaluation, drift, work.corrected, work.quality),
        "lineage": _lineage(store, gate, plan),
        **_scores(gate, evaluation),
        **_cycles(cycle, loop_history),
    }


def _scores(gate: GateVerdict, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "population": evaluation.population,
        "gain": gate.scores.gain,
        "noise": evaluation.corrected,
        "as_given": evaluation.as_given,
        "longer": evaluation.longer and evaluation.longer.by_name(),
        **comparison(evaluation, gate),
        "scores": gate.scores.by_name(),
    }


def _cycles(cycle: CycleSummary | None, loop_history: LoopHistory) -> dict[str, Any]:
    """Return the newest cycles up to the verdict's own: what came later is not of these notes."""
    summaries = loop_history.cycles(cycle.number) if cycle else []
    return {
        "cycle": cycle,
        "cycles": summaries,
        "accuracy": accuracy_chart(summaries),
        "by_labels": accuracy_by_labels_chart(summaries),
    }


def _figures(gate: GateVerdict, cycle: CycleSummary | None, quality: LabelQuality | None) -> list[tuple[str, str]]:
    """Return the few numbers that one reads first."""
    champion, challenger = gate.scores.champion.value, gate.scores.challenger.value
    figures = []
    if champion is not None and challenger is not None:
        figures.append(("score, champion → challenger", f"{champion:.3f} → {challenger:.3f}"))
    elif challenger is not None:
        figures.append(("score", f"{challenger:.3f}"))
    if gate.e_value is not None and gate.needed is not None:
        figures.append(("right where they differ", f"{gate.wins:g} : {gate.losses:g}"))
        figures.append(("evidence (e-value)", f"{large(gate.e_value)} of {large(gate.needed)}"))
    if cycle is not None and quality is not None:
        figures.append(("labels, this cycle and so far", f"{quality.answered} · {cycle.labels_spent}"))
    return figures


def _lineage(store: LoopStore, gate: GateVerdict, plan: RetrainPlan) -> dict[str, str]:
    return {
        "challenger": gate.subject,
        "MLflow run": gate.run_id,
        "trained on dataset": plan.dataset,
        "judged on dataset": gate.dataset,
        "champion it met": f"version {gate.champion_version}" if gate.champion_version else "none",
        "evaluation": gate.evaluation,
        "evidence an approval is bound to": gate.evidence_digest,
        "configuration now": store.loop.digest,
    }


def _evaluation(store: LoopStore, gate: GateVerdict) -> Evaluation:
    evaluations = find(store, Evaluation, gate.subject)
    judged = [evaluation for evaluation in evaluations if evaluation.evidence_digest == gate.evaluation]
    return _demand(judged[-1] if judged else None, gate, "evaluation")


def _plan(store: LoopStore, gate: GateVerdict) -> RetrainPlan:
    plans = find(store, RetrainPlan, gate.subject, outcome="train")
    return _demand(plans[-1] if plans else None, gate, "decision to train")


def _demand(decision: Kind | None, gate: GateVerdict, what: str) -> Kind:
    if decision is None:
        raise ContractError(
            f"Verdict on challenger {gate.subject}: its {what} is not in the store; the release notes cannot be written"
        )
    return decision
