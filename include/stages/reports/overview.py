"""The loop so far: what is live, what each cycle did, the newest challenger, the labels, and what was decided."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.foundation.decisions import Approval, Evaluation, GateVerdict, GuardVerdict, find, latest
from include.foundation.decisions.challenger_evaluation import Differences
from include.foundation.intervals import Interval
from include.foundation.pages.charts import Chart
from include.foundation.pages.rendering import render
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.deployments import BEGINNING, CANARY, Deployment, canary, changes, history
from include.foundation.store.tables import LoopStore
from include.stages.evaluation import evaluation_page
from include.stages.reports.cycle_charts import accuracy_by_labels_chart, accuracy_chart, drift_chart, labels_chart
from include.stages.reports.label_work import LabelWork, label_work
from include.stages.reports.loop_history import CycleSummary, LoopHistory
from include.stages.reports.run_decisions import RecordedDecision, newest_decisions

TEMPLATES = Path(__file__).parent / "templates"
READ = (
    "predictions",
    "draws",
    "decisions",
    "deployments",
    "requests",
    "annotations",
    "labels",
    "quarantine",
    "feedback",
)
MOST_DECISIONS = 20


@dataclass(frozen=True)
class Live:
    """What is live, since when in log time (None from the beginning), what it promised, and what the guard last said of it.

    ``changes`` are all changes of what was live, each with its moment in log time.
    """

    deployment: Deployment
    since: str | None
    promised: Estimate
    guard: GuardVerdict | None
    changes: tuple[tuple[str, Deployment], ...]


@dataclass(frozen=True)
class Note:
    """The release notes on a verdict: the name of their file without its ending, and what came of it."""

    name: str
    challenger: str
    round: int
    outcome: str
    headline: str


@dataclass(frozen=True)
class Overview:
    """Everything that the page over all cycles says, but for what it says of now: it stays while the tables do.

    Attributes
    ----------
    live
        None if nothing is.
    cycles
        The newest, oldest first.
    figures
        The few numbers that one reads first, each with its name.
    charts
        Of the cycles; ``drift`` is apart, None if no interval was judged.
    gate, evaluation
        The newest verdict and what it rests on, without its rows; None before the first.
    labels
        The newest labels.
    decisions
        The newest, newest first.
    notes
        On all verdicts, newest first.
    versions
        Of the tables that it was read from; None where nothing was written.
    """

    live: Live | None
    cycles: tuple[CycleSummary, ...]
    figures: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    drift: Chart | None
    gate: GateVerdict | None
    evaluation: Evaluation | None
    labels: LabelWork
    decisions: tuple[RecordedDecision, ...]
    notes: tuple[Note, ...]
    versions: dict[str, int | None]


def page(template: str, facts: dict[str, Any]) -> str:
    """Return a page, or a text, of the reports' templates.

    Parameters
    ----------
    template
        File name.
    facts
        Its variables.
    """
    return render(TEMPLATES, template, facts, evaluation_page.TEMPLATES)


def overview(store: LoopStore, loop_history: LoopHistory | None = None) -> Overview:
    """Return what the tables say of the loop so far.

    Parameters
    ----------
    store
        Tables of the loop.
    loop_history
        Its cycles, if they were read before.
    """
    loop_history = loop_history or LoopHistory(store)
    cycles = loop_history.cycles()
    gate = loop_history.gates[-1] if loop_history.gates else None
    verdicts = sorted(loop_history.drift_verdicts.values(), key=lambda verdict: Interval.from_key(verdict.subject).end)
    charts = (accuracy_chart(cycles, loop_history.deployments), accuracy_by_labels_chart(cycles), labels_chart(cycles))
    return Overview(
        live=_live(store),
        cycles=tuple(cycles),
        figures=_figures(loop_history),
        charts=tuple(chart for chart in charts if chart),
        drift=drift_chart(verdicts, store.loop.drift.min_effect),
        gate=gate,
        evaluation=_evaluation(store, gate) if gate else None,
        labels=label_work(store, loop_history, gate),
        decisions=newest_decisions(store, MOST_DECISIONS),
        notes=tuple(_note(store, verdict) for verdict in reversed(loop_history.gates)),
        versions={name: store.version(name) for name in READ},
    )


def overview_facts(told: Overview) -> dict[str, Any]:
    """Return the variables of the page over all cycles.

    Parameters
    ----------
    told
        What it says.
    """
    judged = evaluation_page.comparison(told.evaluation, told.gate) if told.evaluation else {}
    return vars(told) | vars(told.labels) | {"judged": judged} | judged


def _figures(loop_history: LoopHistory) -> tuple[tuple[str, str], ...]:
    promoted = sum(verdict.outcome == "promote" for verdict in loop_history.gates)
    refused = sum(verdict.outcome == "reject" for verdict in loop_history.gates)
    return (
        ("cycles", f"{loop_history.count}"),
        ("promoted, refused", f"{promoted}, {refused}"),
        ("rolled back", f"{sum(entry.action == 'rollback' for entry in loop_history.deployments)}"),
        ("labels so far", f"{loop_history.labels_spent}"),
    )


def _evaluation(store: LoopStore, gate: GateVerdict) -> Evaluation | None:
    """Return what a verdict rests on, without the rows that were counted for it."""
    judged = [one for one in find(store, Evaluation, gate.subject) if one.evidence_digest == gate.evaluation]
    if not judged:
        return None
    slices = tuple(part.model_copy(update={"differences": ()}) for part in judged[-1].slices)
    return judged[-1].model_copy(update={"differences": Differences(), "slices": slices})


def _note(store: LoopStore, gate: GateVerdict) -> Note:
    return Note(notes_name(gate), gate.subject, gate.round, gate.outcome, headline(store, gate))


def notes_name(gate: GateVerdict) -> str:
    """Return the file name, without its ending, of the notes on a verdict: each round of evidence has its own."""
    return f"{gate.subject}-{gate.round}"


def notes_path(gate: GateVerdict) -> str:
    """Return where the page of the notes on a verdict is among the loop's files."""
    return f"reports/{notes_name(gate)}.html"


def deployment_of(store: LoopStore, gate: GateVerdict) -> Deployment | None:
    """Return the deployment that a verdict allowed, or None if there was none."""
    allowed = [entry for entry in history(store) if entry.evidence_digest == gate.evidence_digest]
    return allowed[-1] if allowed else None


def served_share(store: LoopStore, gate: GateVerdict) -> float | None:
    """Return the share of the callers that the canary of a verdict is served to, 0 if it was stopped; None without one."""
    steps = [one for one in changes(store) if (one.action, one.evidence_digest) == (CANARY, gate.evidence_digest)]
    running = canary(store)
    is_running = running is not None and running.first.evidence_digest == gate.evidence_digest
    return None if not steps else steps[-1].share if is_running else 0.0


def headline(store: LoopStore, gate: GateVerdict) -> str:
    """Return what came of a verdict, in a few words: a promotion that nobody approved is none."""
    champion = gate.champion_version
    if gate.outcome == "label_more":
        return "More labels are needed to decide"
    if gate.outcome == "await_live":
        return "Promoted by its labels, waits for live requests"
    if gate.outcome == "reject":
        return f"Version {champion} stays" if champion else "No model is live yet: the first one was refused"
    deployment = deployment_of(store, gate)
    if deployment is not None:
        version = deployment.model_version
        return (
            f"Version {version} replaces version {champion}" if champion else f"Version {version} is the first champion"
        )
    return _not_live(store, gate)


def _not_live(store: LoopStore, gate: GateVerdict) -> str:
    """Return what came of a promotion that made nothing live, in a few words."""
    share, approval = served_share(store, gate), latest(store, Approval, gate.subject)
    if share is not None:
        return f"Served to {share:.0%} of the callers" if share else "Stopped as a canary"
    if approval is not None and approval.gate == gate.evidence_digest and approval.outcome == "rejected":
        return "Promoted by the gate, refused at approval"
    return "Promoted by the gate, not deployed"


def _live(store: LoopStore) -> Live | None:
    deployments = history(store)
    if not deployments:
        return None
    newest = deployments[-1]
    return Live(
        deployment=newest,
        since=_moment(newest),
        promised=_promised(newest),
        guard=latest(store, GuardVerdict, newest.model_version),
        changes=tuple((_moment(change) or "the beginning", change) for change in deployments),
    )


def _moment(deployment: Deployment) -> str | None:
    """Return since when it was live, in log time; None if that is since the beginning."""
    return None if deployment.live_from == BEGINNING else f"{deployment.live_from:%Y-%m-%d %H:%M}"


def _promised(deployment: Deployment) -> Estimate:
    promised = deployment.promised
    if promised is None:
        return UNKNOWN
    return Estimate(promised.score, promised.low, promised.high, rows=0, effective_rows=0.0)
