"""How far the roll-out of a challenger is, in words."""

from include.foundation.decisions import GateVerdict, GuardVerdict, latest
from include.foundation.store.ledgers.deployments import canary
from include.foundation.store.tables import LoopStore
from include.stages.deployment.watching_canary import canary_in_words
from include.stages.training.awaited_requests import live_requests


def rollout(store: LoopStore, gate: GateVerdict | None) -> str | None:
    """Return which share of the callers a canary serves, or how many live requests a pending challenger was asked about.

    Parameters
    ----------
    store
        Tables of the loop.
    gate
        The newest verdict on a challenger; None before the first.

    Returns
    -------
    str or None
        None where nothing is rolled out.
    """
    running, verdict = canary(store), canary_watched(store)
    if running is not None:
        holds = f", {verdict.reasons[-1]}" if verdict is not None and verdict.share == running.share else ""
        return f"{canary_in_words(running)}{holds}".rstrip(".")
    if gate is None or not gate.is_pending or store.loop.deploy.strategy != "shadow" or gate.champion_version is None:
        return None
    requests, needed = live_requests(store, gate.subject), store.loop.deploy.shadow.requests
    return f"shadow: {requests:,} of {needed:,} live requests{'' if requests else ', holds: no data'}"


def canary_watched(store: LoopStore) -> GuardVerdict | None:
    """Return what the guard last said of the canary that runs; None without one, or before it has looked.

    Parameters
    ----------
    store
        Tables of the loop.
    """
    running = canary(store)
    verdict = latest(store, GuardVerdict, running.first.model_version) if running else None
    return verdict if verdict and running and verdict.deployment == running.first.evidence_digest else None
