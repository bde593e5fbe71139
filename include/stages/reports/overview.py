"""The loop so far: what is live, what the last verdicts were, what each cycle did."""

from pathlib import Path
from typing import Any

from include.foundation.decisions import GateVerdict, GuardVerdict, find, latest, outcomes
from include.foundation.intervals import Interval
from include.foundation.pages.rendering import render
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.deployments import BEGINNING, Deployment, history
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.evaluation import evaluation_page
from include.stages.reports.cycle_charts import accuracy_by_labels_chart, accuracy_chart, drift_chart, labels_chart
from include.stages.reports.loop_history import LoopHistory

TEMPLATES = Path(__file__).parent / "templates"


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


def write_index(store: LoopStore, loop_history: LoopHistory | None = None) -> str:
    """Write the page over all cycles, with what is live now, and return its URI."""
    facts = index_facts(store, loop_history) | {"stand": None}
    return write_file(store, "reports/index.html", page("index.html", facts))


def index_facts(store: LoopStore, loop_history: LoopHistory | None = None) -> dict[str, Any]:
    """Return everything that the page over all cycles says, but for what it says of now."""
    facts = overview(store, loop_history or LoopHistory(store))
    return facts | {"links": [(notes_name(verdict), verdict) for verdict in reversed(find(store, GateVerdict))]}


def update_index(store: LoopStore) -> bool:
    """Write the index anew if the guard says something else than it did before, and return whether it does."""
    said = outcomes(store, GuardVerdict)[-2:]
    is_news = len(said) < 2 or said[0] != said[1]
    if is_news:
        write_index(store)
    return is_news


def notes_name(gate: GateVerdict) -> str:
    """Return the file name, without its ending, of the notes on a verdict: each round of evidence has its own."""
    return f"{gate.subject}-{gate.round}"


def notes_path(gate: GateVerdict) -> str:
    """Return where the page of the notes on a verdict is among the loop's files."""
    return f"reports/{notes_name(gate)}.html"


def overview(store: LoopStore, loop_history: LoopHistory) -> dict[str, Any]:
    """Return everything that the index says, from the store alone.

    Parameters
    ----------
    store
        Tables of the loop.
    loop_history
        Its cycles.
    """
    cycles = loop_history.cycles()
    verdicts = sorted(loop_history.drift_verdicts.values(), key=lambda verdict: Interval.from_key(verdict.subject).end)
    promoted = sum(verdict.outcome == "promote" for verdict in loop_history.gates)
    refused = sum(verdict.outcome == "reject" for verdict in loop_history.gates)
    return {
        "loop": store.loop,
        "live": _live(store),
        "cycles": cycles,
        "figures": [
            ("cycles", f"{loop_history.count}"),
            ("promoted, refused", f"{promoted}, {refused}"),
            ("rolled back", f"{sum(entry.action == 'rollback' for entry in loop_history.deployments)}"),
            ("labels so far", f"{loop_history.labels_spent}"),
        ],
        "accuracy": accuracy_chart(cycles, loop_history.deployments),
        "by_labels": accuracy_by_labels_chart(cycles),
        "labels": labels_chart(cycles),
        "drift": drift_chart(verdicts, store.loop.drift.min_effect),
    }


def deployment_of(store: LoopStore, gate: GateVerdict) -> Deployment | None:
    """Return the deployment that a verdict allowed, or None if there was none."""
    allowed = [entry for entry in history(store) if entry.evidence_digest == gate.evidence_digest]
    return allowed[-1] if allowed else None


def _live(store: LoopStore) -> dict[str, Any] | None:
    """Return the live version, since when, what it promised and what the guard last said of it; None if nothing is live."""
    deployments = history(store)
    if not deployments:
        return None
    deployment = deployments[-1]
    return {
        "deployment": deployment,
        "since": _moment(deployment),
        "promised": _promised(deployment),
        "guard": latest(store, GuardVerdict, deployment.model_version),
        "changes": [(_moment(change) or "the beginning", change) for change in deployments],
    }


def _moment(deployment: Deployment) -> str | None:
    """Return since when it was live, in log time; None if that is since the beginning."""
    return None if deployment.live_from == BEGINNING else f"{deployment.live_from:%Y-%m-%d %H:%M}"


def _promised(deployment: Deployment) -> Estimate:
    promised = deployment.promised
    if promised is None:
        return UNKNOWN
    return Estimate(promised.score, promised.low, promised.high, rows=0, effective_rows=0.0)
