"""The demo's result: which version replaced which, and why."""

from include.foundation.decisions import GateVerdict, find
from include.foundation.store.ledgers.deployments import history
from include.foundation.store.tables import LoopStore


def gains(store: LoopStore) -> list[str]:
    """Return a sentence for each promotion, one on what was refused, and one for each rollback."""
    lines = []
    for verdict in find(store, GateVerdict):
        difference = verdict.scores.difference
        if verdict.outcome == "promote" and difference.value is not None:
            lines.append(
                f"Challenger {verdict.subject[:8]} replaced version {verdict.champion_version}: difference in "
                f"accuracy {difference}; where the two differed it was right {verdict.wins:g} times, its "
                f"predecessor {verdict.losses:g} times."
            )
    refused = sum(verdict.outcome == "reject" for verdict in find(store, GateVerdict))
    lines.append(f"{refused} challenger{'' if refused == 1 else 's'} refused.")
    for entry in history(store):
        if entry.action == "rollback":
            lines.append(
                f"Version {entry.previous_version} was rolled back, and version {entry.model_version} served again."
            )
    return lines
