"""The loop so far: what is live, what the last verdicts were, what each cycle did."""

from typing import Any

from include.foundation.decisions import GateVerdict, GuardVerdict, latest
from include.foundation.intervals import Interval
from include.foundation.pages.rendering import inline
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.ledgers.deployments import BEGINNING, history
from include.foundation.store.tables import LoopStore
from include.stages.reports.cycle_pictures import draw_cycles, draw_drift
from include.stages.reports.ledger_summary import Ledger


def overview(store: LoopStore, ledger: Ledger) -> dict[str, Any]:
    """Return everything that the index says, from the store alone.

    Parameters
    ----------
    store
        Tables of the loop.
    ledger
        Its cycles.
    """
    verdicts = sorted(ledger.drift.values(), key=lambda verdict: Interval.from_key(verdict.subject).end)
    promoted = sum(verdict.outcome == "promote" for verdict in ledger.gates)
    refused = sum(verdict.outcome == "reject" for verdict in ledger.gates)
    return {
        "loop": store.loop,
        "live": _live(store),
        "cycles": ledger.cycles,
        "figures": [
            ("cycles", f"{len(ledger.cycles)}"),
            ("promoted, refused", f"{promoted}, {refused}"),
            ("labels so far", f"{ledger.cycles[-1].labels_spent if ledger.cycles else 0}"),
        ],
        "history": inline(draw_cycles(ledger.cycles)),
        "drift": inline(draw_drift(verdicts, store.loop.drift.min_effect)),
    }


def deployment_of(store: LoopStore, gate: GateVerdict) -> dict[str, Any] | None:
    """Return the deployment that a verdict allowed, or None if there was none."""
    done = [entry for entry in history(store) if entry["evidence_digest"] == gate.evidence_digest]
    return done[-1] if done else None


def _live(store: LoopStore) -> dict[str, Any] | None:
    """Return the live version, since when, what it promised and what the guard last said of it; None if nothing is live."""
    entries = history(store)
    if not entries:
        return None
    entry = entries[-1]
    promised = (entry["promised_score"], entry["promised_low"], entry["promised_high"])
    guard = latest(store, GuardVerdict, entry["model_version"])
    return {
        "version": entry["model_version"],
        "action": entry["action"],
        "previous": entry["previous_version"],
        "since": None if entry["live_from"] == BEGINNING else f"{entry['live_from']:%Y-%m-%d %H:%M} UTC",
        "why": entry["why"],
        "promised": Estimate(*promised, rows=0, effective_rows=0.0),
        "guard": guard,
        "changes": [
            {
                **change,
                "when": "the beginning"
                if change["live_from"] == BEGINNING
                else f"{change['live_from']:%Y-%m-%d %H:%M}",
            }
            for change in entries
        ],
    }
