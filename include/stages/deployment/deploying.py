"""Make a promoted and approved challenger the champion."""

from dataclasses import dataclass

from include.foundation.decisions import Approval, GateVerdict, RegisteredVersion, latest
from include.foundation.errors import DeploymentError
from include.foundation.models.judged_models import disagreement
from include.foundation.models.registry import CHAMPION, ModelRegistry
from include.foundation.store.ledgers.deployments import (
    CANARY,
    Deployment,
    Promise,
    append_deployment,
    canary_of,
    changes,
    history,
    live,
)
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.deployment.environments import deliver, demand_approved, follow_production, manifest

MANIFEST = "deployments/champion.json"


@dataclass(frozen=True)
class DeployReport:
    """What is live now, what was live before, and where the manifest is."""

    version: str
    previous: str | None
    manifest: str


def deploy(store: LoopStore, registry: ModelRegistry, gate: GateVerdict, approval: Approval) -> DeployReport:
    """Write the ledger, then point alias and manifest at what it says; killed anywhere and run again, the same is live.

    Parameters
    ----------
    store
        Tables of the loop.
    registry
        Holds the alias.
    gate
        The verdict, which must be *promote*.
    approval
        The approval, which must be of exactly this verdict's evidence.

    Raises
    ------
    DeploymentError
        If the verdict or the approval does not allow it, the champion is not the one that was judged against, the model's files
        are not those that were judged, or the version was deployed on this evidence before and replaced since.
    """
    deployment = approved_deployment(store, registry, gate, approval)
    version, previous = deployment.model_version, deployment.previous_version
    return DeployReport(version, previous, change_champion(store, registry, deployment))


def approved_deployment(store: LoopStore, registry: ModelRegistry, gate: GateVerdict, approval: Approval) -> Deployment:
    """Return what is deployed on a verdict and its approval.

    Parameters
    ----------
    store, registry, gate, approval
        As of `deploy`, which says what may be wrong with them.
    """
    _demand_approval(gate, approval)
    return _deployment(store, registry, gate)


def deliver_before_production(
    store: LoopStore, registry: ModelRegistry, gate: GateVerdict, environment: str, approval: Approval | None
) -> tuple[str, bool]:
    """Let an environment before production serve a promoted challenger; return its version, and whether that is news there.

    Parameters
    ----------
    store, registry
        Of the loop.
    gate
        The verdict, which must be *promote*.
    environment
        One of ``deploy.gitops.before_production``.
    approval
        Of this verdict's evidence in this environment; None for the first one, which nobody is asked about.

    Raises
    ------
    DeploymentError
        If the verdict or the approval does not allow it, the model's files are not those that were judged, or the version was
        deployed on this evidence before and replaced since.
    """
    if gate.outcome != "promote":
        raise DeploymentError(f"Challenger {gate.subject} is not delivered: got {gate.outcome}, expected promote")
    if approval is None and environment != store.loop.deploy.gitops.before_production[0]:
        raise DeploymentError(f"Challenger {gate.subject} is not delivered: {environment} needs an approval")
    if approval is not None:
        demand_approved(gate, environment, approval)
    deployment = _deployment(store, registry, gate)
    run_id = registry.run_of(deployment.model_version)
    return deployment.model_version, deliver(store.loop, environment, deployment, run_id)


def _deployment(store: LoopStore, registry: ModelRegistry, gate: GateVerdict) -> Deployment:
    """Return what is deployed on a verdict."""
    version = _version_of(store, registry, gate)
    _demand_not_replaced(store, gate, version)
    promised = gate.scores.challenger
    return Deployment(
        model_version=version,
        previous_version=gate.champion_version,
        action="deploy",
        why=" ".join(gate.reasons),
        evidence_digest=gate.evidence_digest,
        promised=Promise.of(promised.value, promised.low, promised.high),
        files_digest=_judged_files(registry, gate, version),
    )


def change_champion(store: LoopStore, registry: ModelRegistry, deployment: Deployment) -> str:
    """Append a change to the ledger, make the registry follow it, and return the URI of the manifest.

    MLflow cannot compare and set in one step; the ledger can, so of two changes at once one is refused.

    Parameters
    ----------
    store, registry
        Of the loop.
    deployment
        What changes, and why.

    Raises
    ------
    DeploymentError
        If another version is live than the one that is to be replaced (the evidence was taken against another champion), the
        registry contradicts the ledger, or another change came first.
    """
    version, expected, deployments = deployment.model_version, deployment.previous_version, history(store)
    known = len(changes(store))
    aliased = registry.aliased(CHAMPION)
    champion = deployments[-1].model_version if deployments else aliased
    if champion not in {expected, version}:
        raise DeploymentError(
            f"The champion is version {champion}, but the evidence is about version {expected}: it is stale; run the DAG again"
        )
    if aliased not in {expected, version}:
        raise DeploymentError(
            disagreement(registry, deployments[-1]) or f"The alias {CHAMPION!r} moved; run the DAG again"
        )
    append_deployment(store, deployment, known=known)
    return follow_ledger(store, registry)


def follow_ledger(store: LoopStore, registry: ModelRegistry) -> str:
    """Point alias and manifests at what the ledger says is live, and return the URI of the one beside the tables.

    Whoever sets them looks at the ledger again afterwards, so of several at once the last one leaves them as it says.

    Parameters
    ----------
    store, registry
        Of the loop; something was deployed.
    """
    while True:
        deployment = history(store)[-1]
        if registry.aliased(CHAMPION) != deployment.model_version:
            registry.set_alias(CHAMPION, deployment.model_version)
        content = manifest(store.loop, deployment, registry.run_of(deployment.model_version))
        uri = write_file(store, MANIFEST, content)
        follow_production(store.loop, deployment, content)
        if live(store) == deployment and registry.aliased(CHAMPION) == deployment.model_version:
            return uri


def _version_of(store: LoopStore, registry: ModelRegistry, gate: GateVerdict) -> str:
    registered = latest(store, RegisteredVersion, gate.subject)
    version = registered.version if registered else registry.version_of(gate.subject)
    if version is None:
        raise DeploymentError(f"Challenger {gate.subject} is not registered; run register_model again")
    return version


def _judged_files(registry: ModelRegistry, gate: GateVerdict, version: str) -> str | None:
    """Return the digest of the version's files, which must be that of those that were judged."""
    if gate.files_digest is None:  # an earlier version of the loop judged it
        return None
    digest = registry.files_digest(run_id=gate.run_id, version=version)
    if digest != gate.files_digest:
        raise DeploymentError(
            f"Version {version}: its files have the digest {digest}, but {gate.files_digest} was judged and approved: they "
            "were changed since; restore them from a backup, or train a new challenger"
        )
    return digest


def _demand_approval(gate: GateVerdict, approval: Approval) -> None:
    problems = []
    if gate.outcome != "promote":
        problems.append(f"gate: got {gate.outcome}, expected promote")
    if approval.outcome != "approved":
        problems.append(f"approval: got {approval.outcome}, expected approved")
    if approval.gate != gate.evidence_digest:
        problems.append(f"approval: is of evidence {approval.gate}, expected {gate.evidence_digest}")
    if not approval.by:
        problems.append("approval: names nobody")
    if problems:
        raise DeploymentError(f"Challenger {gate.subject} is not deployed", problems)


def _demand_not_replaced(store: LoopStore, gate: GateVerdict, version: str) -> None:
    """Refuse evidence that was used up: a task that is cleared later must not bring back what was rolled back."""
    deployments = history(store)
    own = ("deploy", gate.evidence_digest)
    used = [entry for entry in deployments if (entry.action, entry.evidence_digest) == own]
    entries = changes(store)
    begun = any(one.key[1:3] == (CANARY, gate.evidence_digest) for one in entries)
    running = canary_of(entries)
    if begun and not used and (running is None or running.first.evidence_digest != gate.evidence_digest):
        raise DeploymentError(
            f"Version {version} was served as a canary on this evidence before, and is served no more"
        )
    if used and deployments[-1] != used[-1]:
        latest = deployments[-1]
        raise DeploymentError(
            f"Got version {version}, expected one that is new or live: version {version} was deployed on this evidence before "
            f"and is not live any more ({latest.action} of version {latest.model_version} came after it)"
        )
