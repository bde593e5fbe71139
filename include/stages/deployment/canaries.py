"""A promoted version served to ever more callers: begin, advance, complete, stop; each a change of the ledger."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.foundation.decisions import Approval, GateVerdict, GuardVerdict
from include.foundation.errors import DeploymentError, NothingToDo
from include.foundation.store.ledgers.deployments import (
    CANARY,
    STOP,
    Canary,
    Deployment,
    append_deployment,
    canary_of,
    changes,
    history,
)
from include.foundation.store.tables import LoopStore
from include.stages.deployment.deploying import (
    DeployReport,
    approved_deployment,
    change_champion,
    deploy,
    follow_ledger,
)

if TYPE_CHECKING:
    from include.foundation.models.registry import ModelRegistry


@dataclass(frozen=True)
class CanaryReport:
    """Which version is served to which share of the callers now, and what is live, or was; with a share of 1 it is live."""

    version: str
    live: str
    share: float


def roll_out(
    store: LoopStore, registry: "ModelRegistry", gate: GateVerdict, approval: Approval
) -> DeployReport | CanaryReport:
    """Make a promoted and approved challenger the champion, or begin to serve it to a share of the callers.

    Parameters
    ----------
    store, registry, gate, approval
        As of `include.stages.deployment.deploying.deploy`.

    Raises
    ------
    DeploymentError
        As of `deploy`, or if another canary runs.
    """
    deployment = approved_deployment(store, registry, gate, approval)
    if is_begun_as_canary(store, deployment):
        return begin_canary(store, deployment)
    return deploy(store, registry, gate, approval)


def is_begun_as_canary(store: LoopStore, deployment: Deployment) -> bool:
    """Return whether a deployment begins with a share: the loop file says so, and something else is live.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        That was promoted and approved.
    """
    is_live = any((one.action, one.evidence_digest) == ("deploy", deployment.evidence_digest) for one in history(store))
    return store.loop.deploy.strategy == "canary" and deployment.previous_version is not None and not is_live


def begin_canary(store: LoopStore, deployment: Deployment) -> CanaryReport:
    """Begin to serve a version to the first share of the callers; killed anywhere and run again, the same is served.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        That was promoted and approved.

    Raises
    ------
    DeploymentError
        If another version is live than the one that was judged against, or another canary runs.
    """
    entries, live = changes(store), history(store)
    running, version = canary_of(entries), deployment.model_version
    if live and live[-1].model_version != deployment.previous_version:
        raise DeploymentError(
            f"The champion is version {live[-1].model_version}, but the evidence is about version "
            f"{deployment.previous_version}: it is stale; run the DAG again"
        )
    if running is not None and running.first.evidence_digest != deployment.evidence_digest:
        raise DeploymentError(
            f"Version {running.first.model_version} is served as a canary: wait until it is live or stopped"
        )
    if running is None:
        step = replace(deployment, action=CANARY, share=store.loop.deploy.canary.shares[0])
        append_deployment(store, step, known=len(entries))
    return CanaryReport(version, str(deployment.previous_version), running.share if running else step.share or 0.0)


def advance_canary(store: LoopStore, registry: "ModelRegistry", guard: GuardVerdict) -> CanaryReport:
    """Serve a canary to the next share of the callers, or to all: then it is live, and the alias follows.

    Killed anywhere and run again, the same is served.

    Parameters
    ----------
    store, registry
        Of the loop.
    guard
        Verdict *advance* on the step that ends.

    Raises
    ------
    NothingToDo
        If that step ended already.
    """
    entries = changes(store)
    running, live = canary_of(entries), history(store)
    if running is None and live and live[-1].evidence_digest == guard.deployment:
        follow_ledger(store, registry)
        return CanaryReport(live[-1].model_version, str(live[-1].previous_version), 1.0)
    if running is None or (running.first.evidence_digest, running.share) != (guard.deployment, guard.share):
        raise NothingToDo(f"Version {guard.subject} is not in that step any more; the next run looks at it")
    share = next((one for one in store.loop.deploy.canary.shares if one > running.share), 1.0)
    why = " ".join(guard.reasons)
    if share < 1:
        append_deployment(store, replace(running.first, share=share, why=why), known=len(entries))
    else:
        change_champion(store, registry, replace(running.first, action="deploy", share=None))
    return CanaryReport(running.first.model_version, str(running.first.previous_version), share)


def stop_canary(store: LoopStore, running: Canary, guard: GuardVerdict) -> None:
    """Serve everybody what is live again, for good: on this evidence the version is served no more.

    Parameters
    ----------
    store
        Tables of the loop.
    running
        The canary.
    guard
        Verdict *broken* on it.
    """
    version, live = running.first.model_version, str(running.first.previous_version)
    stop = Deployment(live, version, STOP, " ".join(guard.reasons), guard.evidence_digest, None)
    append_deployment(store, stop)
