"""The loop so far: what is live, what the last verdicts were, what each cycle did."""

from typing import Any

from include.foundation.decisions import GateVerdict, GuardVerdict, latest
from include.foundation.intervals import Interval
from include.foundation.pages.rendering import inline
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.store.ledgers.deployments import BEGINNING, Deployment, history
from include.foundation.store.tables import LoopStore
from include.stages.reports.cycle_pictures import draw_cycles, draw_drift
from include.stages.reports.loop_history import LoopHistory


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
        "history": inline(draw_cycles(cycles)),
        "drift": inline(draw_drift(verdicts, store.loop.drift.min_effect)),
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
