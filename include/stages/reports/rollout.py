"""How far the roll-out of a challenger is, in words."""

from include.foundation.decisions import GateVerdict
from include.foundation.store.tables import LoopStore
from include.stages.training.awaited_requests import live_requests


def rollout(store: LoopStore, gate: GateVerdict | None) -> str | None:
    """Return how many live requests a pending challenger was asked about; None where it is asked about none.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        The newest verdict on a challenger; None before the first.
    """
    if gate is None or not gate.is_pending or store.loop.deploy.strategy != "shadow" or gate.champion_version is None:
        return None
    requests, needed = live_requests(store, gate.subject), store.loop.deploy.shadow.requests
    return f"shadow: {requests:,} of {needed:,} live requests{'' if requests else ', holds: no data'}"
